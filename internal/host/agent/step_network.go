package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// stepNetwork sees to it that the metadata service stands on the server's networks before the guest asks for it.
// Before the first Sync it isn't known which other networks need it.
func stepNetwork(ctx context.Context, a *Agent, _ *job) (time.Duration, error) {
	a.mu.Lock()
	synced := a.synced
	a.mu.Unlock()
	if !synced {
		return 100 * time.Millisecond, nil
	}
	return 0, a.ensureNetworks(ctx)
}

// ensureNetworks makes the metadata service stand on the networks of all servers that are to be on this host.
func (a *Agent) ensureNetworks(ctx context.Context) error {
	a.ensuring.Lock()
	defer a.ensuring.Unlock()
	if err := a.networks.Ensure(ctx, a.networksWanted()); err != nil {
		return fmt.Errorf("preparing the metadata service: %w", err)
	}
	return nil
}

func (a *Agent) networksWanted() map[string]protocol.MetadataPort {
	a.mu.Lock()
	defer a.mu.Unlock()
	networks := map[string]protocol.MetadataPort{}
	for _, s := range a.servers {
		if s.want == nil || s.want.Power == protocol.Absent && s.removed == s.want.Generation {
			continue
		}
		for _, nic := range s.want.NICs {
			if nic.Metadata.PortID != "" {
				networks[nic.NetworkID] = nic.Metadata
			}
		}
	}
	return networks
}
