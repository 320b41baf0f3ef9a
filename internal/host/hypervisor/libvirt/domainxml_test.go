package libvirt

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func exampleSpec() hypervisor.Spec {
	return hypervisor.Spec{
		ID: "5f6c1b7e-9d1a-4a34-8a55-3c6c8f7c2f10", Name: "web <1>\n& more", ProjectID: "p",
		VCPUs: 2, MemoryMiB: 512,
		Root: disk.Disk{
			Path: "/var/lib/aloft/pool/disks/x/root.qcow2", Format: "qcow2", Cache: "none",
			Backing: "/var/lib/aloft/pool/images/i.raw", BackingFormat: "raw",
		},
		NICs: []hypervisor.NIC{
			{PortID: "0b3c2d9e-1111-4222-8333-444455556666", MAC: "fa:16:3e:00:00:01", MTU: 1442},
			{PortID: "1b3c2d9e-1111-4222-8333-444455556666", MAC: "fa:16:3e:00:00:02"},
		},
		Meta: hypervisor.Metadata{Generation: 7, Boot: 2},
	}
}

func TestDomainXML(t *testing.T) {
	noNIC := exampleSpec()
	noNIC.NICs, noNIC.VCPUs = nil, 1
	noNIC.Root.Backing = ""
	for name, c := range map[string]struct {
		spec hypervisor.Spec
		on   machine
	}{
		"tcg-netdev": {exampleSpec(), machine{Acceleration: "tcg", ConsoleDir: "/var/lib/aloft/console", Bridge: "br-int"}},
		"kvm-kernel": {exampleSpec(), machine{Acceleration: "kvm", ConsoleDir: "/var/lib/aloft/console", Bridge: "br-int", ChecksumOffload: true}},
		"plain":      {noNIC, machine{Acceleration: "tcg", ConsoleDir: "/c", Bridge: "br-int"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := domainXML(c.spec, c.on)
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".xml")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got+"\n"), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "run the test with -update to make it")
			require.Equal(t, string(want), got+"\n")
		})
	}
}

func TestMetadataSurvivesXML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := hypervisor.Metadata{
			Generation: rapid.Int64().Draw(t, "generation"),
			Boot:       rapid.Int64().Draw(t, "boot"),
			Halted:     rapid.Bool().Draw(t, "halted"),
		}
		for _, text := range []string{metadataXML(want), metadataElement(want)} {
			got, err := parseMetadata(text)
			if err != nil || got != want {
				t.Fatalf("%+v came back as %+v, %v", want, got, err)
			}
		}
	})
}

func TestMetadataOfOthersIsRefused(t *testing.T) {
	for _, text := range []string{"", "<instance generation='1'/>", "<server generation='x'/>"} {
		_, err := parseMetadata(text)
		require.Error(t, err, text)
	}
}
