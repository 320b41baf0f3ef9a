package network

import (
	"slices"
	"strings"
)

// mostServiceTypes is how many service types a subnet may have, and longestServiceType the bytes of one.
const (
	mostServiceTypes   = 16
	longestServiceType = 255
)

// checkServiceTypes checks the device owners for which a subnet is.
func checkServiceTypes(list []string) error {
	if len(list) > mostServiceTypes {
		return invalid("service_types", "Invalid input for service_types: %d are more than the limit of %d", len(list), mostServiceTypes)
	}
	for i, t := range list {
		service, rest, ok := strings.Cut(t, ":")
		switch {
		case len(t) > longestServiceType || !ok || rest == "" || !slices.Contains([]string{"network", "compute", "baremetal", "trunk"}, service):
			return invalid("service_types", "Subnet service type %q does not correspond to a valid device owner: it is one such as compute:nova or network:floatingip", t)
		case slices.Contains(list[:i], t):
			return invalid("service_types", "Invalid input for service_types: %q is there twice", t)
		}
	}
	return nil
}

// servingTo are the subnets of which a port may have addresses without asking for them: those for its device owner first,
// then those for all.
func servingTo(p Port, subnets []Subnet) []Subnet {
	var own, all []Subnet
	for _, s := range subnets {
		switch {
		case len(s.ServiceTypes) == 0:
			all = append(all, s)
		case slices.Contains(s.ServiceTypes, p.DeviceOwner):
			own = append(own, s)
		}
	}
	return append(own, all...)
}

func serviceTypes(subnets []Subnet) string {
	var out []string
	for _, s := range subnets {
		out = append(out, s.ServiceTypes...)
	}
	return strings.Join(unique(out), ", ")
}
