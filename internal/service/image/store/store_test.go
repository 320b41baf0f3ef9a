package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/query"
	"github.com/aloft-cloud/aloft/internal/service/image"
	"github.com/aloft-cloud/aloft/internal/service/image/store"
)

func each(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	dbtest.Each(t, []db.Migrations{store.Migrations()}, func(t *testing.T, d *db.DB) { fn(t, store.New(d)) })
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.UTC)

func sample(id, project string, v image.Visibility) image.Image {
	return image.Image{
		ID: id, Name: "name-" + id, ProjectID: project, Status: image.Queued, Visibility: v, DiskFormat: "qcow2", ContainerFormat: "bare",
		Tags: []string{"a", "b"}, Properties: map[string]string{"os": "debian", "id": id},
		CreatedAt: epoch, UpdatedAt: epoch, LeaseAt: epoch, Generation: 1,
	}
}

func insert(t *testing.T, s *store.Store, images ...image.Image) {
	t.Helper()
	require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error {
		for _, i := range images {
			if err := s.Insert(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}))
}

func ids(images []image.Image) []string {
	out := []string{}
	for _, i := range images {
		out = append(out, i.ID)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		want := sample("one", "p1", image.Private)
		want.Size, want.VirtualSize, want.MD5, want.SHA512 = 1<<40, 1<<41, "md", "sha"
		want.MinDiskGiB, want.MinRAMMiB, want.Protected, want.Hidden, want.Upload = 3, 4, true, true, "file"
		insert(t, s, want)
		got, err := s.Get(t.Context(), image.Sight{ProjectID: "p1"}, "one")
		require.NoError(t, err)
		require.Equal(t, want, got)

		err = s.Tx(t.Context(), func(ctx context.Context) error { return s.Insert(ctx, want) })
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)

		want.Name, want.Tags, want.Properties = "other", []string{"c"}, map[string]string{"x": "y"}
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.Update(ctx, want) }))
		err = s.Tx(t.Context(), func(ctx context.Context) error { return s.Update(ctx, want) })
		require.True(t, fault.Is(err, fault.Conflict), "an old generation must not write: %v", err)
		want.Generation = 2
		got, err = s.Get(t.Context(), image.Sight{All: true}, "one")
		require.NoError(t, err)
		require.Equal(t, want, got)

		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.Delete(ctx, want) }))
		_, err = s.Get(t.Context(), image.Sight{All: true}, "one")
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		insert(t, s, sample("one", "p2", image.Private)) // nothing is left of the old tags and properties
	})
}

func TestSight(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		insert(t, s,
			sample("mine", "me", image.Private), sample("private", "other", image.Private), sample("public", "other", image.Public),
			sample("community", "other", image.Community), sample("given", "other", image.Shared), sample("shared", "other", image.Shared),
			sample("pending", "other", image.Shared), sample("taken-back", "other", image.Private))
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error {
			for id, st := range map[string]image.MemberStatus{
				"given": image.Accepted, "pending": image.Pending, "taken-back": image.Accepted,
			} {
				if err := s.PutMember(ctx, image.Member{ImageID: id, ProjectID: "me", Status: st, CreatedAt: epoch, UpdatedAt: epoch}); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, c := range []struct {
			name  string
			sight image.Sight
			f     image.Filter
			list  []string
		}{
			{"default", image.Sight{ProjectID: "me"}, image.Filter{}, []string{"given", "mine", "public"}},
			{"all", image.Sight{ProjectID: "me"}, image.Filter{Visibility: image.AnyVisibility}, []string{"community", "given", "mine", "public"}},
			{"community", image.Sight{ProjectID: "me"}, image.Filter{Visibility: image.Community}, []string{"community"}},
			{"shared", image.Sight{ProjectID: "me"}, image.Filter{Visibility: image.Shared}, []string{"given"}},
			{
				"pending",
				image.Sight{ProjectID: "me"},
				image.Filter{Visibility: image.Shared, MemberStatus: image.Pending},
				[]string{"pending"},
			},
			{"others' owner", image.Sight{ProjectID: "me"}, image.Filter{Owner: "other"}, []string{"community", "given", "public"}},
			{"no project", image.Sight{}, image.Filter{}, []string{"public"}},
			{
				"admin",
				image.Sight{All: true},
				image.Filter{},
				[]string{"community", "given", "mine", "pending", "private", "public", "shared", "taken-back"},
			},
		} {
			t.Run(c.name, func(t *testing.T) {
				list, err := s.List(t.Context(), c.sight, c.f, query.Page{Limit: 10, Sort: []query.Order{{Key: "id"}}})
				require.NoError(t, err)
				require.Equal(t, c.list, ids(list))
			})
		}
		for id, visible := range map[string]bool{
			"mine": true, "private": false, "public": true, "community": true, "given": true, "shared": false, "pending": true, "taken-back": false,
		} {
			_, err := s.Get(t.Context(), image.Sight{ProjectID: "me"}, id)
			require.Equal(t, visible, err == nil, "%s: %v", id, err)
			_, err = s.Get(t.Context(), image.Sight{}, id)
			require.Equal(t, id == "public" || id == "community", err == nil, "%s without a project: %v", id, err)
		}
	})
}

func TestFilters(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for k := range 4 {
			i := sample(fmt.Sprint(k), "p", image.Private)
			i.Size, i.Protected, i.Hidden = int64(k*100), k == 1, k == 3
			i.CreatedAt = epoch.Add(time.Duration(k) * time.Hour)
			i.Tags = []string{"all", fmt.Sprint("t", k)}
			insert(t, s, i)
		}
		yes, low, high := true, int64(100), int64(100)
		for name, c := range map[string]struct {
			f    image.Filter
			want []string
		}{
			"nothing":   {image.Filter{}, []string{"0", "1", "2"}},
			"names":     {image.Filter{Names: []string{"name-0", "name-2"}}, []string{"0", "2"}},
			"ids":       {image.Filter{IDs: []string{"1"}}, []string{"1"}},
			"status":    {image.Filter{Statuses: []string{"active"}}, []string{}},
			"formats":   {image.Filter{DiskFormats: []string{"qcow2"}, ContainerFormats: []string{"ovf"}}, []string{}},
			"sizes":     {image.Filter{SizeMin: &low, SizeMax: &high}, []string{"1"}},
			"protected": {image.Filter{Protected: &yes}, []string{"1"}},
			"hidden":    {image.Filter{Hidden: true}, []string{"3"}},
			"tags":      {image.Filter{Tags: []string{"all", "t2"}}, []string{"2"}},
			"property":  {image.Filter{Properties: map[string]string{"os": "debian", "id": "1"}}, []string{"1"}},
			"created":   {image.Filter{Created: []query.Bound{{Op: ">", At: epoch}, {Op: "<=", At: epoch.Add(time.Hour)}}}, []string{"1"}},
			"checksum":  {image.Filter{MD5: "none"}, []string{}},
		} {
			list, err := s.List(t.Context(), image.Sight{ProjectID: "p"}, c.f, query.Page{Limit: 10, Sort: []query.Order{{Key: "created_at"}}})
			require.NoError(t, err, name)
			require.Equal(t, c.want, ids(list), name)
		}
		page := query.Page{Limit: 2, Sort: []query.Order{{Key: "size", Desc: true}}}
		first, err := s.List(t.Context(), image.Sight{ProjectID: "p"}, image.Filter{}, page)
		require.NoError(t, err)
		require.Equal(t, []string{"2", "1"}, ids(first))
		page.Marker = "1"
		rest, err := s.List(t.Context(), image.Sight{ProjectID: "p"}, image.Filter{}, page)
		require.NoError(t, err)
		require.Equal(t, []string{"0"}, ids(rest))
		page.Marker = "nowhere"
		_, err = s.List(t.Context(), image.Sight{ProjectID: "p"}, image.Filter{}, page)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	})
}

func TestLeaseAndMembers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		i := sample("up", "p", image.Shared)
		i.Status, i.Upload = image.Saving, "file"
		insert(t, s, i, sample("idle", "p", image.Shared))
		i.LeaseAt = epoch.Add(time.Minute)
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.Renew(ctx, i) }))
		ups, err := s.Uploads(t.Context())
		require.NoError(t, err)
		require.Len(t, ups, 1)
		require.Equal(t, i.LeaseAt, ups[0].LeaseAt)
		i.Upload = "another"
		err = s.Tx(t.Context(), func(ctx context.Context) error { return s.Renew(ctx, i) })
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)

		m := image.Member{ImageID: "up", ProjectID: "q", Status: image.Pending, CreatedAt: epoch, UpdatedAt: epoch}
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.PutMember(ctx, m) }))
		m.Status, m.UpdatedAt = image.Accepted, epoch.Add(time.Hour)
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.PutMember(ctx, m) }))
		members, err := s.Members(t.Context(), "up")
		require.NoError(t, err)
		require.Equal(t, []image.Member{m}, members)
		require.NoError(t, s.Tx(t.Context(), func(ctx context.Context) error { return s.DeleteMember(ctx, "up", "q") }))
		err = s.Tx(t.Context(), func(ctx context.Context) error { return s.DeleteMember(ctx, "up", "q") })
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	})
}
