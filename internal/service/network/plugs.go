package network

import "context"

// Plug is a port of a device as people are shown it, without what only the host needs to know.
type Plug struct {
	PortID, NetworkID, NetworkName string
	MAC, Status                    string
	Addresses                      []PlugAddress // in the port's order
	Groups                         []PlugGroup
}

// PlugAddress is a fixed address and the floating one that leads to it, if there is one.
type PlugAddress struct{ SubnetID, Address, Floating string }

// PlugGroup is a security group of a port.
type PlugGroup struct{ ID, Name string }

// PlugsOf returns the ports of devices in order of creation. It is what lists of servers are made with, hence in as few
// queries as can be, whatever the number of devices.
func (s *Service) PlugsOf(ctx context.Context, deviceIDs []string) (map[string][]Plug, error) {
	if len(deviceIDs) == 0 {
		return map[string][]Plug{}, nil
	}
	return s.store.Plugs(ctx, deviceIDs)
}
