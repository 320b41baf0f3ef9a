package auth

// Rule decides whether a caller may use a route at all. What the caller may see there is the Scope's business.
type Rule func(*Caller) bool

// Policy is a rule with the name that OpenStack gives it, e.g. "os_compute_api:servers:create". A policy without a
// rule needs no token.
type Policy struct {
	Name string
	Rule Rule

	override *Expr // of the installation's policy file, in place of Rule
}

// The rules of OpenStack's "secure RBAC" defaults, in the language of its policy files.
var (
	// Anyone needs a valid token of any scope.
	Anyone = rule(`@`)
	// ProjectReader is reader in a project, or admin.
	ProjectReader = rule(`is_admin:1 or (role:reader and project_id:%(project_id)s)`)
	// ProjectMember is member in a project, or admin.
	ProjectMember = rule(`is_admin:1 or (role:member and project_id:%(project_id)s)`)
	// AdminOnly is admin, as Caller.Admin says.
	AdminOnly = rule(`is_admin:1`)
	// SystemReader is admin, or reader on the system scope.
	SystemReader = rule(`is_admin:1 or (role:reader and system_scope:all)`)
)

// rule makes a rule of a constant of the program, for callers who have a token.
func rule(text string) Rule {
	expr, err := ParseExpr(text)
	if err != nil {
		panic(err) // the text is in this file
	}
	return func(c *Caller) bool { return expr.Allows(c, nil) }
}

// P names a rule.
func P(name string, rule Rule) Policy { return Policy{Name: name, Rule: rule} }

// NoToken is the policy of routes that anyone may call without a token.
func NoToken(name string) Policy { return Policy{Name: name} }

// NeedsToken tells whether the policy asks for a caller.
func (p Policy) NeedsToken() bool { return p.Rule != nil }

// Allows tells whether a caller passes. target returns what the request is about, such as the project_id of its path,
// and "" for what it does not say; it may be nil.
func (p Policy) Allows(c *Caller, target func(name string) string) bool {
	switch {
	case p.override != nil:
		return p.override.Allows(c, target)
	case p.Rule != nil:
		return p.Rule(c)
	}
	return true
}
