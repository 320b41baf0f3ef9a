package hypervisor

import "strings"

// Tail returns the last lines of a console's text, at most ConsoleBytes of it, as valid UTF-8. 0 lines means no limit.
func Tail(text []byte, lines int) string {
	if len(text) > ConsoleBytes {
		text = text[len(text)-ConsoleBytes:]
	}
	start := len(text)
	if lines <= 0 {
		start = 0
	}
	for left := lines; start > 0 && left >= 0; start-- {
		// A newline at the very end closes the last line and doesn't begin another.
		if text[start-1] != '\n' || start == len(text) {
			continue
		}
		if left--; left == 0 {
			break
		}
	}
	return strings.ToValidUTF8(string(text[start:]), "\uFFFD")
}
