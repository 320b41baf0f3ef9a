package app

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/service/identity"
	"github.com/aloft-cloud/aloft/internal/service/network"
)

// networkProjects are the projects of the identity service, as the network service asks for them.
type networkProjects struct{ identity *identity.Service }

var _ network.Projects = networkProjects{}

// Exists implements network.Projects.
func (a networkProjects) Exists(ctx context.Context, id string) (bool, error) {
	_, err := a.identity.ShowProject(ctx, auth.System(), id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}
