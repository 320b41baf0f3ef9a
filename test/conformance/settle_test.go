package conformance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettle(t *testing.T) {
	outcomes, err := parse([]byte(`<testsuite>
<testcase classname="m.test_a.A" name="test_good[id-1]"/>
<testcase classname="m.test_a.A" name="test_bad[id-2]"><failure type="x">Traceback</failure></testcase>
<testcase classname="m.test_a.A" name="test_odd[id-3]"><skipped>no such feature</skipped></testcase>
<testcase name="setUpClass (m.test_b.B)"><skipped>not enabled</skipped></testcase>
<testcase name="setUpClass (m.test_c.C)"><error>no such role</error></testcase>
<testcase name="tearDownClass (m.test_a.A)"><error>left over</error></testcase>
</testsuite>`))
	require.NoError(t, err)
	got := settle([]string{
		"m.test_a.A.test_good[id-1]", "m.test_a.A.test_bad[id-2]", "m.test_a.A.test_odd[id-3]", "m.test_a.A.test_lost",
		"m.test_b.B.test_one", "m.test_c.C.test_one[id-4,smoke]",
	}, outcomes)
	var lines []string
	for _, r := range got {
		lines = append(lines, r.Outcome+" "+r.Test+": "+r.Text)
	}
	require.Equal(t, []string{
		"passed m.test_a.A.test_good[id-1]: ",
		"failed m.test_a.A.test_bad[id-2]: Traceback",
		"skipped m.test_a.A.test_odd[id-3]: no such feature",
		"failed m.test_a.A.test_lost: it was to run, and nothing was heard of it",
		"skipped m.test_b.B.test_one: not enabled",
		"failed m.test_c.C.test_one[id-4,smoke]: no such role",
		"failed tearDownClass (m.test_a.A): left over",
	}, lines)

	var out strings.Builder
	require.NoError(t, report(&out, got))
	require.Contains(t, out.String(), "       1       3        1         0  m.test_a\n")
	require.Contains(t, out.String(), "skipped: 1, not enabled\n")
}
