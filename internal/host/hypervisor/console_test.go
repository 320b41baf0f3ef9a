package hypervisor

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTail(t *testing.T) {
	for _, c := range []struct {
		text  string
		lines int
		want  string
	}{
		{"", 0, ""},
		{"", 3, ""},
		{"a\nb\nc\n", 0, "a\nb\nc\n"},
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc\n", 2, "b\nc\n"},
		{"a\nb\nc\n", 9, "a\nb\nc\n"},
		{"a\nb\nc", 1, "c"},
		{"a\nb\n\n", 2, "b\n\n"},
		{"login: ", 1, "login: "},
		{"\n\n", 1, "\n"},
	} {
		require.Equal(t, c.want, Tail([]byte(c.text), c.lines), "%q, %d lines", c.text, c.lines)
	}
}

func TestTailIsBoundedAndValid(t *testing.T) {
	text := strings.Repeat("ä", ConsoleBytes) // cut in the middle of a character or not, and longer than the bound
	got := Tail([]byte("x"+text+"\xff"), 0)
	require.LessOrEqual(t, len(got), ConsoleBytes+8)
	require.True(t, utf8.ValidString(got))
}
