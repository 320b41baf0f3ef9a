package auth

import (
	"regexp"
	"strings"
)

// Delegation is what a token stands on that permits less than its user may do: an application credential or a trust.
// The zero Delegation is none.
type Delegation struct {
	AppCredID, AppCredName string
	// Unrestricted application credentials may make and delete others.
	Unrestricted bool
	// AccessRules are the only requests for which the token is good, as [AccessRule] writes them; none: all requests.
	AccessRules []string

	TrustID              string
	TrustorID, TrusteeID string
	Impersonates         bool // the token's user is the trustor
	// Delegators are the users other than the token's on whom it depends: both ends of each trust in the chain.
	Delegators []string
}

// Delegated tells whether the token permits less than its user may do.
func (d *Delegation) Delegated() bool { return d.AppCredID != "" || d.TrustID != "" }

// AccessRule writes a rule: the type of a service, a method and a path, in which * stands for one segment or part of
// one, ** for any number of them, and {name} for one segment.
func AccessRule(service, method, path string) string { return service + " " + method + " " + path }

// May tells whether the token is good for a request: its path as it is below the prefix of the service, and as a whole.
func (d *Delegation) May(service, method string, paths ...string) bool {
	if len(d.AccessRules) == 0 {
		return true
	}
	for _, rule := range d.AccessRules {
		pattern, ours := strings.CutPrefix(rule, service+" "+method+" ")
		if !ours {
			continue
		}
		for _, path := range paths {
			if matchesPath(pattern, path) {
				return true
			}
		}
	}
	return false
}

var wildcard = regexp.MustCompile(`\*\*|\*|\{[^/{}]*\}`)

func matchesPath(pattern, path string) bool {
	var expr strings.Builder
	expr.WriteString("^")
	last := 0
	for _, at := range wildcard.FindAllStringIndex(pattern, -1) {
		expr.WriteString(regexp.QuoteMeta(pattern[last:at[0]]))
		if pattern[at[0]:at[1]] == "**" {
			expr.WriteString(".+")
		} else {
			expr.WriteString("[^/]+")
		}
		last = at[1]
	}
	expr.WriteString(regexp.QuoteMeta(pattern[last:]) + "$")
	re, err := regexp.Compile(expr.String())
	return err == nil && re.MatchString(path)
}
