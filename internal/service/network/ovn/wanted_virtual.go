package ovn

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// float makes a port virtual: its address is wherever a parent says by ARP that it is, and routers send it there. OVN has
// one address for such a port, so it is the first.
func float(row *LogicalSwitchPort, p network.PortState) {
	row.Type = "virtual"
	row.Options = map[string]string{
		"virtual-ip": p.Port.FixedIPs[0].Address.String(), "virtual-parents": strings.Join(p.Parents, ","),
	}
}
