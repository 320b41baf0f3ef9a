package operator

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	go func() { ended <- serveHTTP(ctx, listener, control) }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: control.Authority().ServerTLS().RootCAs, MinVersion: tls.VersionTLS12}}}
	do := func(method, path, token, kind string, body io.Reader) answer {
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Auth-Token", token)
		res, err := client.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return answer{res.StatusCode, res.Header.Get("X-Subject-Token"), string(raw)}
	}
	in := do("POST", "/identity/v3/auth/tokens", "", "application/json", strings.NewReader(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},
		"password":"only-for-this-test"}}},"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`))
	require.Equal(t, 201, in.status, in.body)
	token := in.token
	made := do("POST", "/image/v2/images", token, "application/json", strings.NewReader(`{"name":"i","disk_format":"raw","container_format":"bare"}`))
	var image struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(made.body), &image))

	body, rest := io.Pipe()
	uploaded := make(chan int, 1)
	go func() {
		uploaded <- do("PUT", "/image/v2/images/"+image.ID+"/file", token, "application/octet-stream", body).status
	}()
	_, err = rest.Write(make([]byte, 64<<10))
	require.NoError(t, err)
	saving := func() bool {
		shown := do("GET", "/image/v2/images/"+image.ID, token, "", nil)
		return strings.Contains(shown.body, `"status":"saving"`)
	}
	require.Eventually(t, saving, time.Minute, 5*time.Millisecond, "the upload is in flight")
	end()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			require.NoError(t, conn.Close())
		}
		return err != nil
	}, time.Minute, 5*time.Millisecond, "nobody new is let in")
	require.Empty(t, ended)
	_, err = rest.Write(make([]byte, 64<<10))
	require.NoError(t, err)
	require.NoError(t, rest.Close())
	require.Equal(t, 204, <-uploaded)
	require.NoError(t, <-ended)
}
