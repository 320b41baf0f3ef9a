package agent

import (
	"context"
	"time"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/hypervisor"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepDefine gives the stopped domain the definition that is wanted now. The boot is recorded here, before the start, so
// that a kill after the start doesn't lead to another reboot; the generation stays until all is done.
func stepDefine(ctx context.Context, a *Agent, j *job) (time.Duration, error) {
	root, err := a.Pool.Find(ctx, j.want.ID)
	if err != nil {
		return 0, err
	}
	meta := hypervisor.Metadata{Boot: j.want.Boot}
	if j.domain != nil {
		meta.Generation = j.domain.Meta.Generation
	}
	return 0, a.Hypervisor.Define(ctx, specOf(j.want, root, meta))
}

func specOf(want protocol.Server, root disk.Disk, meta hypervisor.Metadata) hypervisor.Spec {
	spec := hypervisor.Spec{
		ID: want.ID, Name: want.Name, ProjectID: want.ProjectID,
		VCPUs: want.VCPUs, MemoryMiB: want.MemoryMiB, Root: root, Meta: meta,
	}
	for _, nic := range want.NICs {
		spec.NICs = append(spec.NICs, hypervisor.NIC{PortID: nic.PortID, MAC: nic.MAC, MTU: nic.MTU})
	}
	return spec
}
