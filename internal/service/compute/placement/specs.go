package placement

import (
	"slices"
	"strconv"
	"strings"
)

// matches holds a value against a requirement in the language of flavors' extra specs: an operator and its operands, or
// a plain value to be equal to. A value that is not there meets no requirement.
func matches(value, want string) bool {
	words := strings.Fields(want)
	if len(words) == 0 || !operator(words[0]) {
		return value != "" && value == want
	}
	if value == "" {
		return false
	}
	operator, operands := words[0], words[1:]
	switch operator {
	case "<or>":
		return slices.ContainsFunc(operands, func(o string) bool { return o != "<or>" && o == value })
	case "<all-in>":
		have := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' })
		return !slices.ContainsFunc(operands, func(o string) bool { return !slices.Contains(have, o) })
	case "<in>":
		return len(operands) > 0 && strings.Contains(value, operands[0])
	}
	if len(operands) == 0 {
		return false
	}
	if text, ok := strings.CutPrefix(operator, "s"); ok {
		return compared(text, strings.Compare(value, operands[0]))
	}
	a, err := strconv.ParseFloat(value, 64)
	b, err2 := strconv.ParseFloat(operands[0], 64)
	if err != nil || err2 != nil {
		return false
	}
	if operator == "=" { // at least
		return a >= b
	}
	order := 0
	switch {
	case a < b:
		order = -1
	case a > b:
		order = 1
	}
	return compared(operator, order)
}

func operator(word string) bool {
	switch word {
	case "=", "==", "!=", ">=", "<=", "s==", "s!=", "s<", "s<=", "s>", "s>=", "<in>", "<all-in>", "<or>":
		return true
	}
	return false
}

func compared(operator string, order int) bool {
	switch operator {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// archNames are the names of architectures in images' properties, by Go's.
var archNames = map[string][]string{
	"amd64": {"x86_64", "amd64"}, "arm64": {"aarch64", "arm64"}, "riscv64": {"riscv64"}, "loong64": {"loongarch64", "loong64"},
	"386": {"i686", "i386", "x86"}, "arm": {"armv7l", "arm"}, "ppc64le": {"ppc64le"}, "s390x": {"s390x"},
}

// Arch returns Go's name of an architecture; one that is not known is no host's, and returned as it is.
func Arch(name string) string {
	for arch, names := range archNames {
		if slices.Contains(names, strings.ToLower(name)) {
			return arch
		}
	}
	return strings.ToLower(name)
}

func archName(arch string) string {
	if names := archNames[arch]; len(names) > 0 {
		return names[0]
	}
	return arch
}
