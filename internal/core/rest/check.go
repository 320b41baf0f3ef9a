package rest

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// check is what a check tag asks of a value.
type check struct {
	required bool
	min, max *int64
	enum     []string
	format   string // uuid, ip, cidr or mac
}

func parseCheck(tag string) (check, error) {
	var c check
	for part := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "":
		case "required":
			c.required = true
		case "nonneg":
			c.min = new(int64)
		case "min", "max":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return c, fmt.Errorf("check %q: %w", part, err)
			}
			if key == "min" {
				c.min = &n
			} else {
				c.max = &n
			}
		case "enum":
			c.enum = strings.Split(value, "|")
		case "uuid", "ip", "cidr", "mac":
			c.format = key
		default:
			return c, fmt.Errorf("unknown check %q", part)
		}
	}
	return c, nil
}

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$`)

func (c *check) text(path, s string) error {
	if err := c.count(path, int64(utf8.RuneCountInString(s)), "characters"); err != nil {
		return err
	}
	if c.enum != nil && !slices.Contains(c.enum, s) {
		return fault.Invalidf(path, "Invalid input for field %s: %q is not one of %s", path, s, strings.Join(c.enum, ", "))
	}
	var ok bool
	var want string
	switch c.format {
	case "":
		return nil
	case "uuid":
		ok, want = uuidPattern.MatchString(s), "a UUID"
	case "ip":
		_, err := netip.ParseAddr(s)
		ok, want = err == nil, "an IP address"
	case "cidr":
		_, err := netip.ParsePrefix(s)
		ok, want = err == nil, "a network in CIDR notation such as 10.0.0.0/24"
	case "mac":
		hw, err := net.ParseMAC(s)
		ok, want = err == nil && len(hw) == 6, "a MAC address such as fa:16:3e:00:00:01"
	}
	if !ok {
		return fault.Invalidf(path, "Invalid input for field %s: %q is not %s", path, shorten(s), want)
	}
	return nil
}

func (c *check) number(path string, n int64) error {
	if c.min != nil && n < *c.min {
		return fault.Invalidf(path, "Invalid input for field %s: %d is less than the minimum of %d", path, n, *c.min)
	}
	if c.max != nil && n > *c.max {
		return fault.Invalidf(path, "Invalid input for field %s: %d is greater than the maximum of %d", path, n, *c.max)
	}
	return nil
}

func (c *check) count(path string, n int64, unit string) error {
	if c.min != nil && n < *c.min {
		return fault.Invalidf(path, "Invalid input for field %s: it has %d %s and needs at least %d", path, n, unit, *c.min)
	}
	if c.max != nil && n > *c.max {
		return fault.Invalidf(path, "Invalid input for field %s: it has %d %s and may have at most %d", path, n, unit, *c.max)
	}
	return nil
}

// shorten keeps a value that is quoted in a message from filling the screen.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= 64 {
		return s
	}
	return string([]rune(s)[:64]) + "…"
}
