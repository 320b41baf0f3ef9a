package network

// What an AccessPolicy may allow.
const (
	AccessAsShared   = "access_as_shared"   // to use the object as its owner does
	AccessAsExternal = "access_as_external" // to take floating IPs and gateways from the network
)

// Everybody is the target of policies for all projects.
const Everybody = "*"

// AccessPolicy lets a project use an object of another one. Neutron calls it an RBAC policy.
type AccessPolicy struct {
	ID, ProjectID        string // of the owner
	ObjectType, ObjectID string // a quota's word for what it is, and its id
	Action               string
	Target               string // a project, or Everybody
	Stamp
}

// accessible are the objects that may be opened to other projects, and in which ways.
func accessible() map[string][]string {
	return map[string][]string{
		"network":        {AccessAsShared, AccessAsExternal},
		"security_group": {AccessAsShared},
		"subnetpool":     {AccessAsShared},
		"address_group":  {AccessAsShared},
		"address_scope":  {AccessAsShared},
		"qos_policy":     {AccessAsShared},
	}
}
