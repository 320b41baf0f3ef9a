package compute

import (
	"encoding/base64"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// absent is the order to leave nothing of a server on a host.
func absent(s *Server) protocol.Server {
	return protocol.Server{ID: s.ID, Name: s.Name, ProjectID: s.ProjectID, Generation: s.Generation, Power: protocol.Absent}
}

// wants is what a host should run of a server.
func wants(s *Server, ports []Port) (protocol.Server, error) {
	if s.Wanted == protocol.Absent {
		return absent(s), nil
	}
	data, err := base64.StdEncoding.DecodeString(s.UserData)
	if err != nil {
		return protocol.Server{}, fmt.Errorf("decoding the user data of server %s: %w", s.ID, err)
	}
	w := protocol.Server{
		ID: s.ID, Name: s.Name, ProjectID: s.ProjectID, UserID: s.UserID, Hostname: s.Hostname,
		Generation: s.Generation, Power: s.Wanted, Boot: s.Boot, HardBoot: s.HardBoot,
		VCPUs: s.Flavor.VCPUs, MemoryMiB: s.Flavor.MemoryMiB, RootGiB: s.Flavor.DiskGiB, Image: s.Image.Image,
		Guest: protocol.Guest{
			Hostname: s.Hostname, Keys: s.Keys, Metadata: s.Metadata, UserData: data, AvailabilityZone: s.Zone,
			LaunchIndex: s.LaunchIndex, InstanceType: s.Flavor.Name, FloatingIPs: map[string]string{},
		},
	}
	seen := map[string]bool{}
	for _, p := range ports {
		w.NICs = append(w.NICs, p.NIC)
		for fixed, floating := range p.FloatingIPs {
			w.Guest.FloatingIPs[fixed] = floating
		}
		for _, g := range p.SecurityGroups {
			if !seen[g.Name] {
				seen[g.Name] = true
				w.Guest.SecurityGroups = append(w.Guest.SecurityGroups, g.Name)
			}
		}
	}
	return w, nil
}
