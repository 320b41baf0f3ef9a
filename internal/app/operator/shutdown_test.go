package operator

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aloft-cloud/aloft/internal/app"
	"github.com/aloft-cloud/aloft/internal/core/config"
)

// answer is what came back.
type answer struct {
	status      int
	token, body string
}

// TestTheEndFinishesWhatIsInFlight ends the server in the middle of an upload.
func TestTheEndFinishesWhatIsInFlight(t *testing.T) {
	c := config.Default()
	dir := t.TempDir()
	c.DataDir, c.EtcDir, c.RunDir = filepath.Join(dir, "data"), filepath.Join(dir, "etc"), filepath.Join(dir, "run")
	require.NoError(t, c.Complete())
	control, err := app.NewControl(t.Context(), c, app.ControlOptions{Version: "test", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, control.Close()) }()
	require.NoError(t, control.Bootstrap(t.Context(), "only-for-this-test"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "https://" + listener.Addr().String()
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveHTTP(ctx, listener, control, 5*time.Minute) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: control.Authority().ServerTLS().RootCAs, MinVersion: tls.VersionTLS12}}}
	try := func(method, path, token, kind string, body io.Reader) (answer, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, body)
		if err != nil {
			return answer{}, err
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Auth-Token", token)
		res, err := client.Do(r)
		if err != nil {
			return answer{}, err
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		return answer{res.StatusCode, res.Header.Get("X-Subject-Token"), string(raw)}, err
	}
	do := func(method, path, token, kind string, body io.Reader) answer {
		t.Helper()
		a, err := try(method, path, token, kind, body)
		require.NoError(t, err)
		return a
	}
	in := do("POST", "/identity/v3/auth/tokens", "", "application/json", strings.NewReader(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},
		"password":"only-for-this-test"}}},"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`))
	require.Equal(t, 201, in.status, in.body)
	token := in.token
	made := do("POST", "/image/v2/images", token, "application/json", strings.NewReader(`{"name":"i","disk_format":"raw","container_format":"bare"}`))
	var image struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(made.body), &image))

	body, rest := io.Pipe()
	var upload errgroup.Group
	upload.Go(func() error {
		a, err := try("PUT", "/image/v2/images/"+image.ID+"/file", token, "application/octet-stream", body)
		if err == nil && a.status != 204 {
			err = fmt.Errorf("the upload was answered with %d: %s", a.status, a.body)
		}
		return errors.Join(err, body.CloseWithError(err)) // else who feeds it waits for ever
	})
	_, err = rest.Write(make([]byte, 64<<10))
	require.NoError(t, err)
	saving := func() bool {
		shown := do("GET", "/image/v2/images/"+image.ID, token, "", nil)
		return strings.Contains(shown.body, `"status":"saving"`)
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
			require.True(t, time.Now().Before(deadline), "it never came true: %s", what)
		}
	}
	wait("the upload is in flight", saving)
	end()
	wait("nobody new is let in", func() bool {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			require.NoError(t, conn.Close())
		}
		return err != nil
	})
	require.Empty(t, ended)
	_, err = rest.Write(make([]byte, 64<<10))
	require.NoError(t, err)
	require.NoError(t, rest.Close())
	require.NoError(t, upload.Wait())
	require.NoError(t, <-ended)
}
