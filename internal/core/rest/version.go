package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Version is a microversion, e.g. 2.60. The zero Version is older than all.
type Version struct{ Major, Minor int }

// ParseVersion reads "2.60".
func ParseVersion(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	if !ok || !digits(major) || !digits(minor) {
		return Version{}, fmt.Errorf("%q is not a version; it has the form 2.60", s)
	}
	a, err := strconv.Atoi(major)
	if err != nil {
		return Version{}, fmt.Errorf("%q is not a version: %w", s, err)
	}
	b, err := strconv.Atoi(minor)
	if err != nil {
		return Version{}, fmt.Errorf("%q is not a version: %w", s, err)
	}
	return Version{a, b}, nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Less tells whether v is older than w.
func (v Version) Less(w Version) bool {
	return v.Major < w.Major || (v.Major == w.Major && v.Minor < w.Minor)
}

// AtLeast tells whether v is the version s or newer. s is a constant of the program.
func (v Version) AtLeast(s string) bool {
	w, err := ParseVersion(s)
	return err == nil && !v.Less(w)
}

// span is the versions in which a route or a field exists; a zero end is open.
type span struct{ since, until Version }

func parseSpan(since, until string) (span, error) {
	var s span
	var err error
	if since != "" {
		if s.since, err = ParseVersion(since); err != nil {
			return s, err
		}
	}
	if until != "" {
		if s.until, err = ParseVersion(until); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s span) has(v Version) bool {
	return !v.Less(s.since) && (s.until == Version{} || !s.until.Less(v))
}

// Micro says how a service negotiates microversions.
type Micro struct {
	Service  string // the name in OpenStack-API-Version, e.g. "compute"
	Legacy   string // the service's older header, e.g. "X-OpenStack-Nova-API-Version"; may be empty
	Min, Max string
	// Strict is the version from which on query parameters that a route does not know are refused; empty: never.
	Strict string
}

// negotiate reads the version that a request asks for: the oldest if it asks for none.
func (m *Micro) negotiate(h http.Header) (Version, error) {
	lowest, err := ParseVersion(m.Min)
	if err != nil {
		return Version{}, err
	}
	highest, err := ParseVersion(m.Max)
	if err != nil {
		return Version{}, err
	}
	asked := m.asked(h)
	switch asked {
	case "":
		return lowest, nil
	case "latest":
		return highest, nil
	}
	v, err := ParseVersion(asked)
	if err != nil {
		return lowest, fault.Invalidf("OpenStack-API-Version", "API version string %q is of invalid format: it must be MajorNum.MinorNum or \"latest\"", asked)
	}
	if v.Less(lowest) || highest.Less(v) {
		return lowest, fault.New(fault.NotAcceptable, "version %s is not supported by the API: the minimum is %s and the maximum is %s", asked, m.Min, m.Max)
	}
	return v, nil
}

func (m *Micro) asked(h http.Header) string {
	for _, line := range h.Values("OpenStack-API-Version") {
		for part := range strings.SplitSeq(line, ",") {
			service, version, ok := strings.Cut(strings.TrimSpace(part), " ")
			if ok && strings.EqualFold(service, m.Service) {
				return strings.TrimSpace(version)
			}
		}
	}
	if m.Legacy == "" {
		return ""
	}
	return strings.TrimSpace(h.Get(m.Legacy))
}

// refuses tells whether the version refuses query parameters that a route does not know.
func (m *Micro) refuses(v Version) bool { return m != nil && m.Strict != "" && v.AtLeast(m.Strict) }

func (m *Micro) announce(h http.Header, v Version) {
	h.Set("OpenStack-API-Version", m.Service+" "+v.String())
	h.Add("Vary", "OpenStack-API-Version")
	if m.Legacy != "" {
		h.Set(m.Legacy, v.String())
		h.Add("Vary", m.Legacy)
	}
}

// VersionOf returns the microversion that was negotiated for the request; zero for services that have none.
func VersionOf(ctx context.Context) Version { return requestOf(ctx).version }
