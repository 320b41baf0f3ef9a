package fabric

import (
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) {
	if os.Getenv(memberVariable) != "" {
		runMember()
	}
	namespace.Main(m)
}
