package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExpressions(t *testing.T) {
	reader := &Caller{UserID: "u", ProjectID: "p", UserDomainID: "d", Roles: []string{"reader"}}
	operator := &Caller{UserID: "o", System: true, Roles: []string{"operator", "reader"}}
	for _, c := range []struct {
		text   string
		target map[string]string
		reader bool
		system bool
	}{
		{"", nil, true, true},
		{"@", nil, true, true},
		{"!", nil, false, false},
		{"role:operator", nil, false, true},
		{"not role:operator", nil, true, false},
		{"project_id:%(project_id)s", nil, true, false},
		{"tenant_id:%(tenant_id)s", nil, true, false},
		{"project_id:%(project_id)s", map[string]string{"project_id": "other"}, false, false},
		{"user_id:%(user_id)s", map[string]string{"user_id": "u"}, true, false},
		{"user_domain_id:%(domain_id)s", map[string]string{"domain_id": "d"}, true, false},
		{"role:reader and project_id:%(project_id)s or system_scope:all", nil, true, true},
		{"role:reader and (project_id:%(project_id)s or user_id:nobody)", nil, true, false},
		{"role:operator or role:reader and user_id:nobody", nil, false, true},
		{"((role:reader)) AND NOT (system_scope:all)", nil, true, false},
	} {
		e, err := ParseExpr(c.text)
		require.NoError(t, err, c.text)
		target := func(name string) string { return c.target[name] }
		require.Equal(t, c.reader, e.Allows(reader, target), "%q for the reader", c.text)
		require.Equal(t, c.system, e.Allows(operator, target), "%q for the operator", c.text)
		require.False(t, e.Allows(nil, target), "%q without a token", c.text)
	}
}

func TestMistakesInExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"role:":                    "no condition",
		"member":                   "no condition",
		"role:a role:b":            `"role:b" stands where`,
		"role:a and":               "it ends where",
		"(role:a":                  "not closed",
		"role:a)":                  `")" stands where`,
		"colour:red":               `"colour" is not known`,
		"project_id:%(project_id)": "not of the form",
	} {
		_, err := ParseExpr(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestOverrides(t *testing.T) {
	o, err := ParseOverrides("policy.yaml", []byte("# ours\nauditor: role:auditor or rule:boss\nboss: \"role:admin\"\n\n\"x:list\": \"rule:auditor\"\n\"x:show\": \"user_id:%(owner)s\"\n"))
	require.NoError(t, err)
	list, show, other := P("x:list", AdminOnly), P("x:show", AdminOnly), P("x:other", AdminOnly)
	require.NoError(t, o.Apply(&list, nil))
	require.ErrorContains(t, o.Apply(&show, nil), "policy.yaml:6: the rule of x:show asks for %(owner)s")
	require.NoError(t, o.Apply(&show, []string{"owner"}))
	require.NoError(t, o.Apply(&other, nil))
	require.NoError(t, o.Unused())
	auditor := &Caller{UserID: "u", Roles: []string{"auditor"}}
	require.True(t, list.Allows(auditor, nil))
	require.False(t, other.Allows(auditor, nil))
	require.True(t, show.Allows(auditor, func(name string) string { return map[string]string{"owner": "u"}[name] }))
	require.False(t, show.Allows(auditor, nil))
	open := NoToken("x:list")
	require.ErrorContains(t, o.Apply(&open, nil), "callers without a token")
	var none *Overrides
	require.NoError(t, none.Apply(&list, nil))
	require.NoError(t, none.Unused())
}

func TestMistakesInOverridesHaveTheirLine(t *testing.T) {
	_, err := ParseOverrides("p.yaml", []byte("a: role:x\na: role:y\nb: [role:x]\nc:\nd: rule:nowhere\ne: rule:f\nf: not rule:e\ng: role x\n"))
	for _, want := range []string{
		"p.yaml:2: a is there already in line 1", "p.yaml:3: the rule of b must be a string", "p.yaml:4: c has no rule",
		"p.yaml:5: the rule of d names rule:nowhere", "p.yaml:6: the rule of e comes back to itself", "p.yaml:8: the rule of g",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = ParseOverrides("p.yaml", []byte("a: role:x\n\nzz: role:y"))
	require.NoError(t, err)
	o, err := ParseOverrides("p.yaml", []byte("\nzz: role:y"))
	require.NoError(t, err)
	require.ErrorContains(t, o.Unused(), "p.yaml:2: there is no policy zz")
	_, err = ParseOverrides("p.yaml", []byte("- a\n"))
	require.ErrorContains(t, err, "p.yaml:1:")
	_, err = ParseOverrides("p.yaml", []byte("a: \"role"))
	require.ErrorContains(t, err, "is not YAML")
	o, err = ParseOverrides("p.yaml", []byte("# nothing\n"))
	require.NoError(t, err)
	require.NoError(t, o.Unused())
}

func BenchmarkPolicy(b *testing.B) {
	c := &Caller{ProjectID: "p", Roles: []string{"manager", "member", "reader"}}
	p := P("x", ProjectReader)
	for b.Loop() {
		if !p.Allows(c, nil) {
			b.Fatal("refused")
		}
	}
}

func TestWhoIsAdmin(t *testing.T) {
	onSystem := func() *Caller { return &Caller{System: true, Roles: []string{"admin"}} }
	onProject := func() *Caller { return &Caller{ProjectID: "p", Roles: []string{"admin"}} }
	onDomain := func() *Caller { return &Caller{DomainID: "d", Roles: []string{"admin"}} }
	var none *Overrides
	strict, err := ParseOverrides("policy.yaml", []byte(`admin_required: "role:admin and system_scope:all"`))
	require.NoError(t, err)
	require.NoError(t, strict.Unused())
	for name, c := range map[string]struct {
		caller *Caller
		o      *Overrides
		admin  bool
	}{
		"system":                         {onSystem(), none, true},
		"project":                        {onProject(), none, true},
		"domain":                         {onDomain(), none, false},
		"member":                         {&Caller{System: true, Roles: []string{"member"}}, none, false},
		"system, system only":            {onSystem(), strict, true},
		"project, system only":           {onProject(), strict, false},
		"domain, system only":            {onDomain(), strict, false},
		"a file does not give the role":  {&Caller{System: true}, strict, false},
		"a file that says nothing of it": {onProject(), &Overrides{}, true},
	} {
		c.o.Judge(c.caller)
		require.Equal(t, c.admin, c.caller.Admin(), name)
		require.Equal(t, c.admin, AdminOnly(c.caller), name)
		require.Equal(t, c.admin, c.caller.Scope() != c.caller.Own(), name)
	}
}
