package fabric

import (
	"testing"

	"github.com/aloft-cloud/aloft/test/namespace"
)

func TestMain(m *testing.M) { namespace.Main(m) }
