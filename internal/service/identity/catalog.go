package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/core/fault"
)

// Region is a part of the cloud that has endpoints of its own. Regions may be parts of one another.
type Region struct {
	Made
	ParentID    string // may be empty
	Description string
	Extra       map[string]any
}

// CatalogService is a service as the catalog lists it.
type CatalogService struct {
	Made
	Type, Name string
	Enabled    bool
	Extra      map[string]any
	Endpoints  []CatalogEndpoint // in the catalog of a token only
}

// CatalogEndpoint is where a service is reached. In the catalog of a token its URL is whole; elsewhere it may hold
// $(project_id)s, $(tenant_id)s and $(user_id)s, or the same with a per cent sign.
type CatalogEndpoint struct {
	Made
	ServiceID string
	Interface string // public, internal or admin
	RegionID  string // may be empty
	URL       string
	Enabled   bool
	Extra     map[string]any
}

// installed is what the installation itself is: its region, its services and their endpoints. Nobody can change it
// through the API, since it is not written down anywhere but is what there is.
type installed struct {
	region    Region
	services  []CatalogService
	endpoints []CatalogEndpoint
}

// projectInURL is how the installation's own table writes a project's id.
const projectInURL = "{project_id}"

// buildCatalog gives each service its three endpoints. Ids are made from what they name, so that they are the same on
// every control node and after every start.
func buildCatalog(endpoints []Endpoint, region string) installed {
	in := installed{region: Region{Made: Made{ID: region}, Description: "This installation"}}
	for _, e := range endpoints {
		id := e.ID
		if id == "" {
			id = derivedID("service", e.Type)
		}
		in.services = append(in.services, CatalogService{Made: Made{ID: id}, Type: e.Type, Name: e.Name, Enabled: true})
		for _, face := range []string{"public", "internal", "admin"} {
			in.endpoints = append(in.endpoints, CatalogEndpoint{
				Made: Made{ID: derivedID("endpoint", id, region, face)}, ServiceID: id, Interface: face, RegionID: region,
				URL: strings.ReplaceAll(e.URL, projectInURL, "$(project_id)s"), Enabled: true,
			})
		}
	}
	return in
}

func derivedID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (in installed) service(id string) (CatalogService, bool) {
	i := slices.IndexFunc(in.services, func(s CatalogService) bool { return s.ID == id })
	if i < 0 {
		return CatalogService{}, false
	}
	return in.services[i], true
}

func (in installed) endpoint(id string) (CatalogEndpoint, bool) {
	i := slices.IndexFunc(in.endpoints, func(e CatalogEndpoint) bool { return e.ID == id })
	if i < 0 {
		return CatalogEndpoint{}, false
	}
	return in.endpoints[i], true
}

// ours refuses to change what the installation itself is.
func ours(kind, id string) error {
	return fault.New(fault.Forbidden, "Cannot change or delete %s %s: it is this installation's own, and shows where its services are. Add another %s instead.", kind, id, kind)
}

// Catalog is what a token of a scope and user can reach: without a scope nothing, and without a project nothing whose
// URL needs one. A project that is limited to some endpoints reaches no others. It is answered from memory.
func (s *Service) Catalog(on Scope, userID string) []CatalogService {
	if on == (Scope{}) {
		return nil
	}
	view := s.book.view.Load()
	reaches := view.filterFor(on.ProjectID)
	fill := strings.NewReplacer(placeholders(on.ProjectID, userID)...)
	var catalog []CatalogService
	for _, service := range view.services {
		reached := service
		reached.Endpoints = nil
		for _, e := range service.Endpoints {
			if on.ProjectID == "" && needsProject.MatchString(e.URL) || !reaches(e.ID) {
				continue
			}
			e.URL = fill.Replace(e.URL)
			reached.Endpoints = append(reached.Endpoints, e)
		}
		if reached.Endpoints != nil {
			catalog = append(catalog, reached)
		}
	}
	return catalog
}

var (
	needsProject = regexp.MustCompile(`[$%]\((project_id|tenant_id)\)s`)
	placeholder  = regexp.MustCompile(`[$%]\((project_id|tenant_id|user_id)\)s`)
	scheme       = regexp.MustCompile(`^[a-zA-Z0-9+.-]+:.+`)
)

// placeholders are what may stand in a URL, each followed by what it stands for.
func placeholders(projectID, userID string) []string {
	var pairs []string
	for _, sign := range []string{"$", "%"} {
		pairs = append(pairs, sign+"(project_id)s", projectID, sign+"(tenant_id)s", projectID, sign+"(user_id)s", userID)
	}
	return pairs
}

// checkURL refuses URLs that no token could use.
func checkURL(field, url string) error {
	if !scheme.MatchString(url) || len(url) > 225 {
		return fault.Invalidf(field, "Invalid input for field %s: %q is not a URL such as https://host/path of up to 225 characters", field, url)
	}
	rest := placeholder.ReplaceAllString(url, "")
	if strings.Contains(rest, "$(") || strings.Contains(rest, "%(") {
		return fault.Invalidf(field, "Invalid input for field %s: %q holds a placeholder other than $(project_id)s, $(tenant_id)s and $(user_id)s", field, url)
	}
	return nil
}

// ListServices lists the installation's services and those that were added, by type and name; empty means any.
func (s *Service) ListServices(ctx context.Context, kind, name string) ([]CatalogService, error) {
	added, err := s.store.Services.List(ctx, Is{"type": kind, "name": name})
	if err != nil {
		return nil, err
	}
	var own []CatalogService
	for _, service := range s.installed.services {
		if fits(kind, service.Type) && fits(name, service.Name) {
			own = append(own, service)
		}
	}
	return append(own, added...), nil
}

// ShowService reads a service.
func (s *Service) ShowService(ctx context.Context, id string) (CatalogService, error) {
	if own, ok := s.installed.service(id); ok {
		return own, nil
	}
	return s.store.Services.Get(ctx, id)
}

// EndpointFilter selects endpoints by all of its fields that are set.
type EndpointFilter struct{ ServiceID, Interface, RegionID string }

func (f EndpointFilter) selects(e CatalogEndpoint) bool {
	return fits(f.ServiceID, e.ServiceID) && fits(f.Interface, e.Interface) && fits(f.RegionID, e.RegionID)
}

// ListEndpoints lists the installation's endpoints and those that were added.
func (s *Service) ListEndpoints(ctx context.Context, f EndpointFilter) ([]CatalogEndpoint, error) {
	added, err := s.store.Endpoints.List(ctx, Is{"service_id": f.ServiceID, "interface": f.Interface, "region_id": f.RegionID})
	if err != nil {
		return nil, err
	}
	var own []CatalogEndpoint
	for _, e := range s.installed.endpoints {
		if f.selects(e) {
			own = append(own, e)
		}
	}
	return append(own, added...), nil
}

// ShowEndpoint reads an endpoint.
func (s *Service) ShowEndpoint(ctx context.Context, id string) (CatalogEndpoint, error) {
	if own, ok := s.installed.endpoint(id); ok {
		return own, nil
	}
	return s.store.Endpoints.Get(ctx, id)
}

// ListRegions lists the installation's region and those that were added, of a parent if one is given.
func (s *Service) ListRegions(ctx context.Context, parentID string) ([]Region, error) {
	added, err := s.store.Regions.List(ctx, Is{"parent_id": parentID})
	if err != nil || parentID != "" {
		return added, err
	}
	return append([]Region{s.installed.region}, added...), nil
}

// ShowRegion reads a region.
func (s *Service) ShowRegion(ctx context.Context, id string) (Region, error) {
	if id == s.installed.region.ID {
		return s.installed.region, nil
	}
	return s.store.Regions.Get(ctx, id)
}

func fits(asked, have string) bool { return asked == "" || asked == have }
