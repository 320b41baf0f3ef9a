package mapping

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

func tree(t testing.TB, text string) []any {
	t.Helper()
	var rules []any
	require.NoError(t, json.Unmarshal([]byte(text), &rules))
	return rules
}

func parsed(t testing.TB, text string) Rules {
	t.Helper()
	rules, err := Parse(Version2, tree(t, text))
	require.NoError(t, err)
	return rules
}

func TestApply(t *testing.T) {
	bob := Assertion{"UserName": "bob", "Email": "bob@example.com", "orgPersonType": "Employee;Contractor", "groups": "dev;ops;admin", "one": "x"}
	cases := []struct {
		name, rules string
		want        Identity
	}{
		{
			"placeholders count what is not any_one_of or not_any_of",
			`[{"local":[{"user":{"name":"{0} <{1}>","email":"{1}"}}],
			   "remote":[{"type":"UserName"},{"type":"orgPersonType","any_one_of":["Employee"]},{"type":"orgPersonType","not_any_of":["Guest"]},{"type":"Email"}]}]`,
			Identity{User: User{Name: "bob <bob@example.com>", Email: "bob@example.com", Type: Ephemeral}},
		},
		{
			"a group by id, one by name, and a user who is here already",
			`[{"local":[{"user":{"name":"{0}","type":"local","domain":{"id":"default"}},"group":{"id":"g1"}},{"group":{"name":"{0}s","domain":{"name":"D"}}}],
			   "remote":[{"type":"UserName"}]}]`,
			Identity{
				User:     User{Name: "bob", Type: Local, Domain: Domain{ID: "default"}},
				GroupIDs: []string{"g1"}, Groups: []Group{{"bobs", Domain{Name: "D"}}},
			},
		},
		{
			"a whitelist",
			`[{"local":[{"user":{"name":"{0}"}},{"groups":"{1}","domain":{"id":"d"}}],"remote":[{"type":"UserName"},{"type":"groups","whitelist":["ops","dev","other"]}]}]`,
			Identity{User: User{Name: "bob", Type: Ephemeral}, Groups: []Group{{"dev", Domain{ID: "d"}}, {"ops", Domain{ID: "d"}}}},
		},
		{
			"a blacklist by expression",
			`[{"local":[{"group_ids":"{0}"}],"remote":[{"type":"groups","blacklist":["^a","p"],"regex":true}]}]`,
			Identity{User: User{Type: Ephemeral}, GroupIDs: []string{"dev"}},
		},
		{
			"a whitelist that leaves nothing still applies",
			`[{"local":[{"group_ids":"{0}"}],"remote":[{"type":"groups","whitelist":[]}]}]`,
			Identity{User: User{Type: Ephemeral}},
		},
		{
			"any_one_of by expression, and a rule beside it that does not apply",
			`[{"local":[{"group":{"id":"no"}}],"remote":[{"type":"missing"}]},
			  {"local":[{"group":{"id":"no"}}],"remote":[{"type":"orgPersonType","any_one_of":["Emp"]}]},
			  {"local":[{"group":{"id":"yes"}}],"remote":[{"type":"orgPersonType","any_one_of":["^Emp"],"regex":true}]},
			  {"local":[{"group":{"id":"no"}}],"remote":[{"type":"orgPersonType","not_any_of":["tract"],"regex":true}]}]`,
			Identity{User: User{Type: Ephemeral}, GroupIDs: []string{"yes"}},
		},
		{
			"projects add up, and the first user stands",
			`[{"local":[{"user":{"name":"first"},"projects":[{"name":"p-{0}","roles":[{"name":"reader"}]}]}],"remote":[{"type":"UserName"}]},
			  {"local":[{"user":{"name":"second"},"projects":[{"name":"p-bob","roles":[{"name":"reader"},{"name":"member"}]},{"name":"q","domain":{"id":"d"},"roles":[]}]}],"remote":[{"type":"Email"}]}]`,
			Identity{
				User:     User{Name: "first", Type: Ephemeral},
				Projects: []Project{{Name: "p-bob", Roles: []string{"reader", "member"}}, {Name: "q", Domain: Domain{ID: "d"}}},
			},
		},
		{
			"lists that the rule itself makes",
			`[{"local":[{"groups":"['a', \"{0}\"]","domain":{"id":"d"},"group_ids":"[ ]"}],"remote":[{"type":"one"}]}]`,
			Identity{User: User{Type: Ephemeral}, Groups: []Group{{"a", Domain{ID: "d"}}, {"x", Domain{ID: "d"}}}},
		},
		{
			"one group by name",
			`[{"local":[{"groups":"staff","domain":{"id":"d"}}],"remote":[{"type":"one"}]}]`,
			Identity{User: User{Type: Ephemeral}, Groups: []Group{{"staff", Domain{ID: "d"}}}},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parsed(t, c.rules).Apply(bob)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c.want, got))
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	cases := []struct {
		name, rules, says string
		class             fault.Class
		assertion         Assertion
	}{
		{"no rule applies", `[{"local":[{"group":{"id":"g"}}],"remote":[{"type":"x"}]}]`, "no rule", fault.Unauthenticated, Assertion{}},
		{"a placeholder too many", `[{"local":[{"user":{"name":"{1}"}}],"remote":[{"type":"x"}]}]`, "{1}", fault.Unauthenticated, Assertion{"x": "a"}},
		{"a placeholder beyond all numbers", `[{"local":[{"user":{"name":"{99999999999999999999}"}}],"remote":[{"type":"x"}]}]`, "refers", fault.Unauthenticated, Assertion{"x": "a"}},
		{"several names", `[{"local":[{"user":{"name":"{0}"}}],"remote":[{"type":"x"}]}]`, "one value", fault.Unauthenticated, Assertion{"x": "a;b"}},
		{"groups without a domain", `[{"local":[{"groups":"{0}"}],"remote":[{"type":"x"}]}]`, "'domain'", fault.Invalid, Assertion{"x": "a;b"}},
		{"groups as broken JSON", `[{"local":[{"groups":"{0}"}],"remote":[{"type":"x"}]}]`, "not JSON", fault.Unauthenticated, Assertion{"x": `JSON:{"name":"a"}`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parsed(t, c.rules).Apply(c.assertion)
			require.True(t, fault.Is(err, c.class), "%v", err)
			require.Contains(t, err.Error(), c.says)
		})
	}
}

// What a provider says can't widen what a rule gives: brackets and placeholders in values are text.
func TestValuesAreText(t *testing.T) {
	rules := parsed(t, `[{"local":[{"groups":"{0}","domain":{"id":"d"},"group_ids":"{0}","user":{"name":"{1}"}}],"remote":[{"type":"x"},{"type":"y"}]}]`)
	got, err := rules.Apply(Assertion{"x": "['a', 'admins']", "y": "{0}"})
	require.NoError(t, err)
	require.Equal(t, []Group{{"['a', 'admins']", Domain{ID: "d"}}}, got.Groups)
	require.Equal(t, []string{"['a', 'admins']"}, got.GroupIDs)
	require.Equal(t, "{0}", got.User.Name)

	got, err = rules.Apply(Assertion{"x": `JSON:{"name":"n","domain":{"name":"D"}}`, "y": "u"})
	require.NoError(t, err)
	require.Equal(t, []Group{{"n", Domain{Name: "D"}}}, got.Groups)
}

func TestParseRefuses(t *testing.T) {
	for _, rules := range []string{
		`[]`, `[1]`, `[{}]`, `[{"local":[]}]`, `[{"remote":[{"type":"x"}]}]`, `[{"local":[],"remote":[]}]`, `[{"local":[],"remote":[{}]}]`,
		`[{"local":{},"remote":[{"type":"x"}]}]`, `[{"local":[],"remote":[{"type":"x"}],"more":1}]`, `[{"local":[{"more":1}],"remote":[{"type":"x"}]}]`,
		`[{"local":[],"remote":[{"type":1}]}]`, `[{"local":[],"remote":[{"type":"x","any_one_of":"y"}]}]`, `[{"local":[],"remote":[{"type":"x","any_one_of":[1]}]}]`,
		`[{"local":[],"remote":[{"type":"x","any_one_of":[],"whitelist":[]}]}]`, `[{"local":[],"remote":[{"type":"x","regex":true}]}]`,
		`[{"local":[],"remote":[{"type":"x","whitelist":["("],"regex":true}]}]`, `[{"local":[],"remote":[{"type":"x","whitelist":["a"],"regex":"yes"}]}]`,
		`[{"local":[{"user":"{0}"}],"remote":[{"type":"x"}]}]`, `[{"local":[{"user":{"shoe":"9"}}],"remote":[{"type":"x"}]}]`,
		`[{"local":[{"user":{"type":"robot"}}],"remote":[{"type":"x"}]}]`, `[{"local":[{"group":{}}],"remote":[{"type":"x"}]}]`,
		`[{"local":[{"group":{"name":"n"}}],"remote":[{"type":"x"}]}]`, `[{"local":[{"group":{"id":"n","name":"n"}}],"remote":[{"type":"x"}]}]`,
		`[{"local":[{"groups":["a"]}],"remote":[{"type":"x"}]}]`, `[{"local":[{"projects":[{"name":"p"}]}],"remote":[{"type":"x"}]}]`,
		`[{"local":[{"projects":[{"roles":[]}]}],"remote":[{"type":"x"}]}]`, `[{"local":[{"domain":{"x":"y"}}],"remote":[{"type":"x"}]}]`,
	} {
		_, err := Parse(Version2, tree(t, rules))
		require.True(t, fault.Is(err, fault.Invalid), "%s: %v", rules, err)
	}
	good := tree(t, `[{"local":[{"projects":[{"name":"p","domain":{"id":"d"},"roles":[]}]}],"remote":[{"type":"x"}]}]`)
	_, err := Parse(Version1, good)
	require.True(t, fault.Is(err, fault.Invalid), "1.0 knows no domain of a project: %v", err)
	_, err = Parse("9.0", good)
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	_, err = Parse(Version2, good)
	require.NoError(t, err)
}

// A whitelist and a blacklist of the same values part an attribute in two.
func TestListsPartAnAttribute(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.StringMatching(`[a-d]{1,2}`)
		values := rapid.SliceOfNDistinct(value, 1, 6, rapid.ID).Draw(rt, "values")
		named := rapid.SliceOf(value).Draw(rt, "named")
		list := make([]any, len(named))
		for i, n := range named {
			list[i] = n
		}
		got := map[string][]string{}
		for _, kind := range []string{"whitelist", "blacklist"} {
			rules, err := Parse(Version1, []any{map[string]any{
				"local":  []any{map[string]any{"group_ids": "{0}"}},
				"remote": []any{map[string]any{"type": "x", kind: list}},
			}})
			require.NoError(rt, err)
			text := values[0]
			for _, v := range values[1:] {
				text += ";" + v
			}
			id, err := rules.Apply(Assertion{"x": text})
			require.NoError(rt, err)
			got[kind] = id.GroupIDs
		}
		require.ElementsMatch(rt, values, append(got["whitelist"], got["blacklist"]...))
		require.Subset(rt, append(named, ""), append(got["whitelist"], ""))
	})
}

func FuzzParseAndApply(f *testing.F) {
	f.Add(`[{"local":[{"user":{"name":"{0}"}},{"group_ids":"{1}"}],"remote":[{"type":"a"},{"type":"b","whitelist":["abc"]}]}]`, "bob", "abc;def")
	f.Add(`[{"local":[{"groups":"['a','{0}']","domain":{"id":"d"}}],"remote":[{"type":"a","blacklist":["^x"],"regex":true}]}]`, "x;y", "")
	f.Add(`[{"local":[{"groups":"[","domain":{"id":"d"}}],"remote":[{"type":"a","not_any_of":["q"]}]}]`, "JSON:{", "{0}")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		var rules []any
		if json.Unmarshal([]byte(text), &rules) != nil {
			return
		}
		parsed, err := Parse(Version2, rules)
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid), "%v", err)
			return
		}
		id, err := parsed.Apply(Assertion{"a": a, "b": b})
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid) || fault.Is(err, fault.Unauthenticated), "%v", err)
			return
		}
		require.Contains(t, []string{Ephemeral, Local}, id.User.Type)
		again, err := parsed.Apply(Assertion{"a": a, "b": b})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(id, again), "the same assertion gives the same identity")
	})
}
