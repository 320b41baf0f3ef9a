package identity

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
)

// Family is what is above a project and below it.
type Family struct {
	Parents  []Project // the nearest first, the domain last
	Children []Project // with theirs, in no order
}

// FamilyOf reads what is above and below a project that the caller may read.
func (s *Service) FamilyOf(ctx context.Context, p Project, above, below bool) (f Family, err error) {
	if above {
		if f.Parents, err = s.parents(ctx, p); err != nil {
			return Family{}, err
		}
	}
	if below {
		f.Children, err = s.store.Projects.ListProjects(ctx, ProjectFilter{Below: p.ID}, query.Page{})
	}
	return f, err
}

// Among keeps those of some projects on which the caller holds a role.
func (s *Service) Among(ctx context.Context, c *auth.Caller, projects []Project) ([]Project, error) {
	if len(projects) == 0 {
		return nil, nil
	}
	mine, err := s.store.Projects.ListProjects(ctx, ProjectFilter{UserID: c.UserID}, query.Page{})
	if err != nil {
		return nil, err
	}
	reached := map[string]bool{}
	for _, p := range mine {
		reached[p.ID] = true
	}
	var found []Project
	for _, p := range projects {
		if reached[p.ID] {
			found = append(found, p)
		}
	}
	return found, nil
}

// parents reads what is above a project: the nearest first, the domain last.
func (s *Service) parents(ctx context.Context, p Project) ([]Project, error) {
	var found []Project
	for p.ParentID != "" {
		parent, err := s.store.Projects.Project(ctx, p.ParentID)
		if err != nil {
			return nil, err
		}
		found, p = append(found, parent), parent
	}
	return found, nil
}

// maySwitch refuses to disable a project above an enabled one, and to enable one below a disabled one.
func (s *Service) maySwitch(ctx context.Context, p Project, on bool) error {
	if on {
		parents, err := s.parents(ctx, p)
		if err != nil {
			return err
		}
		for _, parent := range parents {
			if !parent.Enabled {
				return fault.New(fault.Forbidden, "Cannot enable project %s since it has disabled parents: enable %s first.", p.ID, parent.ID)
			}
		}
		return nil
	}
	enabled := true
	children, err := s.store.Projects.ListProjects(ctx, ProjectFilter{Below: p.ID, Enabled: &enabled}, query.Page{Limit: 1})
	if err == nil && len(children) > 0 {
		err = fault.New(fault.Forbidden, "Cannot disable project %s since its subtree contains enabled projects: disable %s first.", p.ID, children[0].ID)
	}
	return err
}
