package app

import "github.com/aloft-cloud/aloft/internal/service/identity"

// catalog lists the services that exist, at the URLs in the forms that clients expect: network and image without a
// version, compute with one.
func catalog(root string) []identity.Endpoint {
	return []identity.Endpoint{
		{Type: "identity", Name: "keystone", URL: root + "/identity/v3"},
		{Type: "compute", Name: "nova", URL: root + "/compute/v2.1"},
		{Type: "network", Name: "neutron", URL: root + "/network"},
		{Type: "image", Name: "glance", URL: root + "/image"},
		{Type: "aloft", Name: "aloft", URL: root + "/v1"}, // what no OpenStack API has words for
	}
}
