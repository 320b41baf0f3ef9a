package api

import (
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
)

// domainField is the domain of a network's names.
type domainField struct {
	DNSDomain rest.Opt[string] `json:"dns_domain" doc:"Ends with a dot."`
}

// Validate implements what rest calls after decoding.
func (f domainField) Validate() error { return dnsDomain(f.DNSDomain.Value) }

// lower is what a request says of a name, which is the same in any case.
func lower(o rest.Opt[string]) *string {
	o.Value = strings.ToLower(o.Value)
	return given(o)
}

// mostFQDN is how long a name with all its domains may be.
const mostFQDN = 255

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// dnsReason says why a text is no DNS name: RFC 1123, section 2.1. It is "" for one that is, or that is empty.
func dnsReason(text string) string {
	name := strings.TrimSuffix(text, ".")
	labels := strings.Split(name, ".")
	why := ""
	if len(name) > mostFQDN {
		why = fmt.Sprintf("'%s' exceeds the %d character FQDN limit", name, mostFQDN)
	}
	for _, label := range labels {
		if why == "" {
			why = labelReason(label)
		}
	}
	if last := labels[len(labels)-1]; why == "" && len(labels) > 1 && strings.Trim(last, digits) == "" {
		why = fmt.Sprintf("TLD '%s' must not be all numeric", last)
	}
	if text == "" || why == "" {
		return ""
	}
	return fmt.Sprintf("'%s' not a valid PQDN or FQDN. Reason: %s", text, why)
}

func labelReason(label string) string {
	switch {
	case label == "":
		return "Encountered an empty component"
	case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
		return fmt.Sprintf("Name '%s' must not start or end with a hyphen", label)
	case len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool { return !strings.ContainsRune(letters+digits+"-", r) }):
		return fmt.Sprintf("Name '%s' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen", label)
	}
	return ""
}

func badName(field, why string) error {
	return fault.Invalidf(field, "Invalid input for %s. Reason: %s.", field, why).WithCode("InvalidInput")
}

// dnsName checks the name of a port.
func dnsName(text string) error {
	if why := dnsReason(text); why != "" {
		return badName("dns_name", why)
	}
	return nil
}

// dnsDomain checks a domain: it is full, and leaves room for a name.
func dnsDomain(text string) error {
	why := dnsReason(text)
	switch {
	case text == "":
		return nil
	case !strings.HasSuffix(text, "."):
		why = fmt.Sprintf("'%s' is not a FQDN; end it with a dot", text)
	case why == "" && len(text) > mostFQDN-2:
		why = fmt.Sprintf("'%s' contains %d characters. Adding a sub-domain will cause it to exceed the maximum length of a FQDN of '%d'", text, len(text), mostFQDN)
	}
	if why != "" {
		return badName("dns_domain", why)
	}
	return nil
}

// relativeName checks the name of a floating IP, whose domain is always beside it.
func relativeName(text string) error {
	why := dnsReason(text)
	switch {
	case strings.HasSuffix(text, "."):
		why = fmt.Sprintf("'%s' is a FQDN. It should be a relative domain name", text)
	case why == "" && len(text) > mostFQDN-3:
		why = fmt.Sprintf("'%s' contains %d characters. Adding a domain name will cause it to exceed the maximum length of a FQDN of '%d'", text, len(text), mostFQDN)
	}
	if why != "" {
		return badName("dns_name", why)
	}
	return nil
}
