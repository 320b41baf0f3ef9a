package network

import (
	"context"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/reconcile"
)

// eventProjectDeleted is what the identity service says when a project is gone.
const eventProjectDeleted = "identity.project.deleted"

// projectsLoop removes what projects have that nobody made: their default security groups and their quotas. The event
// wakes it; a sweep at the start catches what was not heard.
func (s *Service) projectsLoop() *reconcile.Queue {
	return reconcile.New(reconcile.Loop{
		Name: "network-projects", Workers: 1, Owner: s.cfg.Owner, Log: s.log, Keys: s.projectsThatHave,
		Do: func(ctx context.Context, projectID string) (reconcile.Result, error) {
			there, err := s.cfg.Projects.Exists(ctx, projectID)
			if err != nil || there {
				return reconcile.Result{}, err
			}
			return reconcile.Result{}, s.db.Tx(ctx, func(ctx context.Context) error { return s.forgetProject(ctx, projectID) })
		},
	})
}

// projectsThatHave are the projects with a default group or a quota.
func (s *Service) projectsThatHave(ctx context.Context) ([]string, error) {
	q := By("default", "true")
	q.Bare = true
	groups, err := s.store.Groups(ctx, db.Everywhere(), q)
	if err != nil {
		return nil, err
	}
	quotas, err := s.store.Quotas(ctx, db.Everywhere())
	if err != nil {
		return nil, err
	}
	out := ids(groups, func(g SecurityGroup) string { return g.ProjectID })
	for id := range quotas {
		out = append(out, id)
	}
	return unique(out), nil
}

func (s *Service) hearProjects(ev event.Event) {
	if ev.Type == eventProjectDeleted {
		s.projects.Wake(ev.ObjectID)
	}
}

// forgetProject removes the quota of a project that is gone, and its default group unless ports are in it, whose device
// outlives the project: they keep their rules.
func (s *Service) forgetProject(ctx context.Context, projectID string) error {
	quotas, err := s.store.Quotas(ctx, db.InProject(projectID))
	if err != nil {
		return err
	}
	if len(quotas) > 0 {
		if err := s.ResetQuota(ctx, projectID); err != nil {
			return err
		}
	}
	q := By("default", "true")
	q.Where["project_id"] = []string{projectID}
	groups, err := s.store.Groups(ctx, db.Everywhere(), q)
	if err != nil {
		return err
	}
	used, err := s.store.Ports(ctx, db.Everywhere(), By("group_id", ids(groups, func(g SecurityGroup) string { return g.ID })...))
	if err != nil {
		return err
	}
	for _, g := range groups {
		if slices.ContainsFunc(used, func(p Port) bool { return slices.Contains(p.GroupIDs, g.ID) }) {
			continue
		}
		if err := s.DeleteSecurityGroup(ctx, auth.System(), g.ID, nil); err != nil {
			return err
		}
	}
	return nil
}
