package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/gophercloud/gophercloud/v2/pagination"
	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/db/dbtest"
	"github.com/aloft-cloud/aloft/internal/core/event"
	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/service/image"
	"github.com/aloft-cloud/aloft/internal/service/image/api"
	"github.com/aloft-cloud/aloft/internal/service/image/store"
)

type silent struct{}

func (silent) Add(context.Context, event.Event) error { return nil }

// authenticate takes "project" or "project:admin" for a token.
func authenticate(_ context.Context, token string) (*auth.Caller, error) {
	project, role, _ := strings.Cut(token, ":")
	if project == "" {
		return nil, fault.New(fault.Unauthenticated, "no")
	}
	return &auth.Caller{UserID: "u", ProjectID: project, Roles: []string{"reader", "member", role}}, nil
}

type bench struct{ url string }

func start(t *testing.T) bench {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	core, err := image.New(image.Config{Dir: filepath.Join(t.TempDir(), "images")}, store.New(dbtest.SQLite(t, store.Migrations())), silent{}, log)
	require.NoError(t, err)
	h, err := rest.New(rest.Options{Authenticate: authenticate, Log: log}, api.Service(core))
	require.NoError(t, err)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return bench{s.URL}
}

func (b bench) as(token string) *gophercloud.ServiceClient {
	p := &gophercloud.ProviderClient{TokenID: token}
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: b.url + "/image/", ResourceBase: b.url + "/image/v2/"}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes a plain request.
func (b bench) call(t *testing.T, token, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("X-Auth-Token", token)
	for k := 0; k+1 < len(headers); k += 2 {
		r.Header.Set(headers[k], headers[k+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(out)}
}

func (b bench) upload(t *testing.T, token, name, data string) *images.Image {
	t.Helper()
	c := b.as(token)
	i, err := images.Create(t.Context(), c, images.CreateOpts{Name: name, DiskFormat: "raw", ContainerFormat: "bare"}).Extract()
	require.NoError(t, err)
	require.NoError(t, imagedata.Upload(t.Context(), c, i.ID, strings.NewReader(data)).ExtractErr())
	return i
}

func TestLifeWithGophercloud(t *testing.T) {
	b, ctx := start(t), t.Context()
	me := b.as("me")
	hidden := true
	i, err := images.Create(ctx, me, images.CreateOpts{
		Name: "debian", DiskFormat: "raw", ContainerFormat: "bare", MinDisk: 2, MinRAM: 64, Tags: []string{"x"},
		Properties: map[string]string{"os_distro": "debian"},
	}).Extract()
	require.NoError(t, err)
	require.Equal(t, images.ImageStatusQueued, i.Status)
	require.Equal(t, "me", i.Owner)
	require.Equal(t, "debian", i.Properties["os_distro"])
	require.Equal(t, images.ImageVisibilityShared, i.Visibility)

	require.Equal(t, http.StatusNoContent, b.call(t, "me", "GET", "/image"+i.File, "").status, "no data yet")
	require.NoError(t, imagedata.Upload(ctx, me, i.ID, strings.NewReader("the data")).ExtractErr())
	i, err = images.Get(ctx, me, i.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, images.ImageStatusActive, i.Status)
	require.EqualValues(t, 8, i.SizeBytes)
	require.EqualValues(t, 8, i.VirtualSize)
	require.Equal(t, "3d5f3303ed6ce28c2d5ac1192118f0e2", i.Checksum)
	require.Equal(t, "sha512", i.Properties["os_hash_algo"])

	body, err := imagedata.Download(ctx, me, i.ID).Extract()
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, "the data", string(got))

	i, err = images.Update(ctx, me, i.ID, images.UpdateOpts{
		images.ReplaceImageName{NewName: "other"},
		images.ReplaceImageTags{NewTags: []string{"y", "z"}},
		images.ReplaceImageMinDisk{NewMinDisk: 3},
		images.ReplaceImageHidden{NewHidden: hidden},
		images.UpdateImageProperty{Op: images.AddOp, Name: "a/b~c", Value: "1"},
		images.UpdateImageProperty{Op: images.RemoveOp, Name: "os_distro"},
	}).Extract()
	require.Error(t, err, "a slash in a path must be written as ~1: the whole patch is refused")
	require.Nil(t, i)
	list, err := images.List(me, images.ListOpts{Name: "debian", Tags: []string{"x"}}).AllPages(ctx)
	require.NoError(t, err)
	all, err := images.ExtractImages(list)
	require.NoError(t, err)
	require.Len(t, all, 1, "nothing of the refused patch happened")
	i, err = images.Update(ctx, me, all[0].ID, images.UpdateOpts{
		images.ReplaceImageName{NewName: "other"},
		images.ReplaceImageTags{NewTags: []string{"y", "z"}},
		images.ReplaceImageMinDisk{NewMinDisk: 3},
		images.ReplaceImageHidden{NewHidden: hidden},
		images.UpdateImageProperty{Op: images.AddOp, Name: "a~1b~0c", Value: "1"},
		images.UpdateImageProperty{Op: images.RemoveOp, Name: "os_distro"},
	}).Extract()
	require.NoError(t, err)
	require.Equal(t, "other", i.Name)
	require.Equal(t, []string{"y", "z"}, i.Tags)
	require.Equal(t, "1", i.Properties["a/b~c"])
	require.NotContains(t, i.Properties, "os_distro")
	require.NoError(t, images.Delete(ctx, me, i.ID).ExtractErr())
	require.True(t, gophercloud.ResponseCodeIs(images.Get(ctx, me, i.ID).Err, http.StatusNotFound))
}

func TestPagesAndFilters(t *testing.T) {
	b, ctx := start(t), t.Context()
	for k := range 5 {
		_, err := images.Create(ctx, b.as("me"), images.CreateOpts{
			Name: string(rune('a' + k)), Properties: map[string]string{"odd": []string{"no", "yes"}[k%2]},
		}).Extract()
		require.NoError(t, err)
	}
	pages := 0
	var names []string
	err := images.List(b.as("me"), images.ListOpts{Limit: 2, Sort: "name:desc"}).EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
		pages++
		list, err := images.ExtractImages(p)
		for _, i := range list {
			names = append(names, i.Name)
		}
		return true, err
	})
	require.NoError(t, err)
	require.Equal(t, []string{"e", "d", "c", "b", "a"}, names)
	require.Equal(t, 3, pages)
	count := func(query string) int {
		got := b.call(t, "me", "GET", "/image/v2/images?"+query, "")
		require.Equal(t, 200, got.status, got.body)
		var out struct{ Images []json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(got.body), &out))
		return len(out.Images)
	}
	require.Equal(t, 2, count("odd=yes"))
	require.Equal(t, 2, count(`name=in:a,"b"`))
	require.Equal(t, 5, count("created_at=gte:2020-01-01T00:00:00Z&status=queued&visibility=shared&protected=False"))
	require.Equal(t, 0, count("created_at=lt:2020-01-01T00:00:00Z"))
	for _, bad := range []string{"visibility=x", "size_min=-1", "created_at=yesterday", "sort_key=nothing", "limit=x", "marker=gone", "os_hidden=perhaps"} {
		got := b.call(t, "me", "GET", "/image/v2/images?"+bad, "")
		require.Equal(t, 400, got.status, "%s: %s", bad, got.body)
	}
}

func TestRefusals(t *testing.T) {
	b := start(t)
	i := b.upload(t, "me", "mine", "data")
	self := "/image/v2/images/" + i.ID
	qcow := append([]byte("QFI\xfb\x00\x00\x00\x03"), bytes.Repeat([]byte{1}, 200)...)
	for name, c := range map[string]struct {
		token, method, path, body, kind string
		status                          int
		says                            string
	}{
		"no token":           {"", "GET", self, "", "", 401, ""},
		"others' image":      {"you", "GET", self, "", "", 404, "No image found with ID"},
		"others' data":       {"you", "GET", self + "/file", "", "", 404, ""},
		"others' delete":     {"you", "DELETE", self, "", "", 404, ""},
		"publish":            {"me", "PATCH", self, `[{"op":"replace","path":"/visibility","value":"public"}]`, "", 403, "public"},
		"create public":      {"me", "POST", "/image/v2/images", `{"visibility":"public"}`, "", 403, "public"},
		"read-only":          {"me", "PATCH", self, `[{"op":"replace","path":"/checksum","value":"x"}]`, "", 403, "read-only"},
		"read-only create":   {"me", "POST", "/image/v2/images", `{"status":"active"}`, "", 403, "read-only"},
		"reserved":           {"me", "PATCH", self, `[{"op":"add","path":"/locations","value":"x"}]`, "", 403, "reserved"},
		"remove name":        {"me", "PATCH", self, `[{"op":"remove","path":"/name"}]`, "", 403, "removed"},
		"no such property":   {"me", "PATCH", self, `[{"op":"replace","path":"/x","value":"x"}]`, "", 409, "does not exist"},
		"property type":      {"me", "PATCH", self, `[{"op":"add","path":"/x","value":1}]`, "", 400, "a string"},
		"operation":          {"me", "PATCH", self, `[{"op":"move","path":"/x"}]`, "", 400, "op"},
		"format":             {"me", "POST", "/image/v2/images", `{"disk_format":"vmdk"}`, "", 400, "qemu-img convert"},
		"taken id":           {"me", "POST", "/image/v2/images", `{"id":"` + i.ID + `"}`, "", 409, "already exists"},
		"second upload":      {"me", "PUT", self + "/file", "x", "application/octet-stream", 409, "transition from active to saving"},
		"upload as json":     {"me", "PUT", self + "/file", "x", "application/json", 415, "octet-stream"},
		"deactivate":         {"me", "POST", self + "/actions/deactivate", "", "", 403, ""},
		"wrong member state": {"me", "PUT", self + "/members/me", `{"status":"x"}`, "", 400, "pending"},
		"no such schema":     {"me", "GET", "/image/v2/schemas/x", "", "", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.kind == "" && c.body != "" {
				c.kind = "application/json"
			}
			got := b.call(t, c.token, c.method, c.path, c.body, "Content-Type", c.kind)
			require.Equal(t, c.status, got.status, got.body)
			require.Contains(t, got.body, c.says)
		})
	}
	queued, err := images.Create(t.Context(), b.as("me"), images.CreateOpts{Name: "q", DiskFormat: "raw", ContainerFormat: "bare"}).Extract()
	require.NoError(t, err)
	got := b.call(t, "me", "PUT", "/image/v2/images/"+queued.ID+"/file", string(qcow), "Content-Type", "application/octet-stream")
	require.Equal(t, 400, got.status, got.body)
	require.Contains(t, got.body, "refused")
	again, err := images.Get(t.Context(), b.as("me"), queued.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, images.ImageStatusQueued, again.Status)
}

func TestDownloadRanges(t *testing.T) {
	b := start(t)
	path := "/image" + b.upload(t, "me", "r", "0123456789").File
	for header, want := range map[string]struct {
		status int
		body   string
	}{
		"":            {200, "0123456789"},
		"bytes=2-4":   {206, "234"},
		"bytes=7-":    {206, "789"},
		"bytes=-3":    {206, "789"},
		"bytes=-99":   {206, "0123456789"},
		"bytes=8-99":  {206, "89"},
		"bytes=10-":   {416, ""},
		"bytes=4-2":   {416, ""},
		"bytes=-0":    {416, ""},
		"bytes=0-1,3": {416, ""},
		"lines=1-2":   {416, ""},
	} {
		got := b.call(t, "me", "GET", path, "", "Range", header)
		require.Equal(t, want.status, got.status, header)
		require.Equal(t, want.body, got.body, header)
	}
	got := b.call(t, "me", "GET", path, "")
	require.Equal(t, "781e5e245d69b566979b86e28d23f2c7", got.header.Get("Content-MD5"))
	require.Equal(t, "10", got.header.Get("Content-Length"))
}

func TestSharing(t *testing.T) {
	b, ctx := start(t), t.Context()
	i := b.upload(t, "me", "shared", "data")
	_, err := members.Create(ctx, b.as("me"), i.ID, "you").Extract()
	require.NoError(t, err)
	m, err := members.Update(ctx, b.as("you"), i.ID, "you", members.UpdateOpts{Status: "accepted"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "accepted", m.Status)
	_, err = images.Get(ctx, b.as("you"), i.ID).Extract()
	require.NoError(t, err)
	require.NoError(t, members.Delete(ctx, b.as("me"), i.ID, "you").ExtractErr())
	require.True(t, gophercloud.ResponseCodeIs(images.Get(ctx, b.as("you"), i.ID).Err, 404))

	_, err = images.Update(ctx, b.as("ops:admin"), i.ID, images.UpdateOpts{images.UpdateVisibility{Visibility: "public"}}).Extract()
	require.NoError(t, err)
	_, err = images.Get(ctx, b.as("they"), i.ID).Extract()
	require.NoError(t, err)
	require.True(t, gophercloud.ResponseCodeIs(images.Delete(ctx, b.as("they"), i.ID).Err, 403))
}

func TestDiscovery(t *testing.T) {
	b := start(t)
	for path, status := range map[string]int{"/image": 300, "/image/": 300, "/image/versions": 200, "/image/v2/": 200} {
		got := b.call(t, "", "GET", path, "")
		require.Equal(t, status, got.status, path)
		require.Contains(t, got.body, `"id":"v2.7","status":"CURRENT"`)
		require.Contains(t, got.body, b.url+"/image/v2/")
	}
	for _, path := range []string{"schemas/image", "schemas/images", "schemas/member", "schemas/members", "info/import", "info/stores"} {
		got := b.call(t, "me", "GET", "/image/v2/"+path, "")
		require.Equal(t, 200, got.status, path)
		require.True(t, json.Valid([]byte(got.body)), got.body)
	}
}
