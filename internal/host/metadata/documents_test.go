package metadata

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

var update = flag.Bool("update", false, "write the golden files anew")

func full() guest {
	return guest{
		Server: protocol.Server{
			ID: "6f1a8b6e-3c1d-4f9e-9d6b-0a1b2c3d4e5f", Name: "hello", ProjectID: "0123456789abcdef0123456789abcdef",
			Image: protocol.Image{ID: "aa000000-0000-4000-8000-000000000001"},
			NICs: []protocol.NIC{{
				PortID: "11111111-2222-4333-8444-555555555555", NetworkID: "99999999-0000-4000-8000-000000000000",
				MAC: "fa:16:3e:00:00:05", MTU: 1442, DNSServers: []string{"9.9.9.9"},
				FixedIPs: []protocol.FixedIP{
					{Address: "10.0.0.5", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1"},
					{Address: "fd00::5", CIDR: "fd00::/64", Gateway: "fd00::1"},
				},
				Metadata: protocol.MetadataPort{PortID: "m", MAC: "fa:16:3e:00:00:02", Addresses: []string{"10.0.0.2/24"}},
			}},
			Guest: protocol.Guest{
				Hostname: "hello", Metadata: map[string]string{"role": "web"}, UserData: []byte("#!/bin/sh\necho hi\n"),
				Keys:             []protocol.Key{{Name: "mine", Type: "ssh", Data: "ssh-ed25519 AAAA mine\n"}},
				AvailabilityZone: "nova", InstanceType: "m1.tiny", SecurityGroups: []string{"default", "web"},
				FloatingIPs: map[string]string{"10.0.0.5": "172.24.4.9"},
			},
		},
		address: "10.0.0.5", seed: []byte("seed"),
	}
}

func bare() guest {
	return guest{Server: protocol.Server{ID: "b", Name: "bare", Guest: protocol.Guest{Hostname: "bare"}}, address: "10.0.0.6"}
}

// show prints every path that the listings lead to, and some that must not be there.
func show(g guest) []byte {
	var out bytes.Buffer
	var walk func(path string)
	walk = func(path string) {
		d, ok := find(g, path)
		if !ok {
			fmt.Fprintf(&out, "== %s\n404\n", path)
			return
		}
		fmt.Fprintf(&out, "== %s (%s)\n%s\n", path, d.contentType, d.body)
		for _, name := range strings.Split(string(d.body), "\n") {
			number, _, isKey := strings.Cut(name, "=")
			switch {
			case strings.HasSuffix(path, "public-keys/") && isKey:
				walk(path + number + "/")
			case strings.Contains(path, "meta-data/") && strings.HasSuffix(path, "/"), path == "/openstack/latest/", path == "/2009-04-04/":
				walk(path + name)
			}
		}
	}
	for _, path := range []string{"/", "/openstack", "/openstack/latest/", "/2009-04-04/", "/openstack/2012-08-10", "/openstack/2012-08-10/meta_data.json"} {
		walk(path)
	}
	for _, path := range []string{
		"/openstack/2012-08-10/network_data.json", "/openstack/1999-01-01", "/openstack/latest/meta_data.json/more", "/openstack/latest/password",
		"/latest/meta-data/nothing", "/latest/meta-data/ami-id/more", "/latest/api/token", "/latest/meta-data/public-keys/1/openssh-key", "/nothing",
	} {
		walk(path)
	}
	return out.Bytes()
}

func TestDocuments(t *testing.T) {
	for name, g := range map[string]guest{"full": full(), "bare": bare()} {
		t.Run(name, func(t *testing.T) {
			file := "testdata/" + name + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(file, show(g), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), string(show(g)))
		})
	}
}

func TestSlashesMakeNoDifference(t *testing.T) {
	for _, path := range []string{"openstack/latest/meta_data.json", "//openstack//latest/meta_data.json/"} {
		d, ok := find(full(), path)
		require.True(t, ok)
		require.Contains(t, string(d.body), full().ID)
	}
}
