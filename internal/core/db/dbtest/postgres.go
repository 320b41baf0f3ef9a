package dbtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// errMissing says that PostgreSQL can't be run here; it is the reason of a skip.
var errMissing = errors.New("PostgreSQL is missing")

// patience is how long PostgreSQL may take for what is usually done in moments.
const patience = 5 * time.Minute

// inUse is PostgreSQL's error code object_in_use, of its manual's appendix A.
const inUse = "55006"

// server starts the binary's PostgreSQL when the first test needs it.
var server = sync.OnceValues(start)

// cluster is a running PostgreSQL.
type cluster struct {
	sockets string
	// lifeline is the writing end of a pipe that only this process holds. When it closes, at the latest with the
	// process, the watchdog at the other end ends PostgreSQL and removes its files.
	lifeline *os.File
}

// PostgresURL makes an empty database for one test and drops it at its end.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return running(t).create(t, "template1")
}

// running is the binary's PostgreSQL. Where there can be none, the test is skipped.
func running(t testing.TB) *cluster {
	t.Helper()
	c, err := server()
	if errors.Is(err, errMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return c
}

// create makes a copy of a database for one test and drops it at its end.
func (c *cluster) create(t testing.TB, template string) (url string) {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text()[:12])
	deadline := time.Now().Add(patience)
	for {
		err := c.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template)
		var busy *pgconn.PgError // while whoever made the template has not quite left it
		if errors.As(err, &busy) && busy.Code == inUse && time.Now().Before(deadline) {
			continue // PostgreSQL itself has waited for five seconds
		}
		require.NoError(t, err)
		break
	}
	t.Cleanup(func() {
		require.NoError(t, c.exec(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)"))
	})
	return c.url(name)
}

func (c *cluster) url(name string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + name, RawQuery: url.Values{"host": {c.sockets}, "user": {"aloft"}}.Encode()}
	return u.String()
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return fmt.Errorf("connecting to the tests' PostgreSQL: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// watchdog starts the server and waits for its standard input to end. Nothing is vacuumed, as statistics that come while
// a test runs would change its plans.
const watchdog = `"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
  -c synchronous_commit=off -c autovacuum=off -c max_connections=300 -c shared_buffers=32MB -c logging_collector=off >"$2/log" 2>&1 &
server=$!
read nothing
kill -QUIT $server
wait $server
rm -rf "$2"`

func start() (*cluster, error) {
	bin, owner, err := installed()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "aloft-pg-") // the path of a socket must be short
	if err != nil {
		return nil, fmt.Errorf("making a folder for PostgreSQL: %w", err)
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, fmt.Errorf("giving PostgreSQL its folder: %w", err)
		}
	}
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
		return cmd
	}
	initdb := run(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "aloft", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out)), os.RemoveAll(dir))
	}
	return watch(run("/bin/sh", "-c", watchdog, "sh", bin, dir), dir)
}

// watch starts the watchdog and waits until the server answers.
func watch(cmd *exec.Cmd, dir string) (*cluster, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	cmd.Stdin = theirs
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	if err := theirs.Close(); err != nil {
		return nil, fmt.Errorf("closing a pipe: %w", err)
	}
	c := &cluster{sockets: dir, lifeline: ours}
	deadline := time.Now().Add(patience)
	for {
		err := c.exec(context.Background(), "SELECT 1")
		if err == nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log")) // it goes into the message of another error
			return nil, errors.Join(fmt.Errorf("PostgreSQL does not start: %w: %s", err, log), ours.Close(), cmd.Wait())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// installed finds the programs of PostgreSQL and whom they run as: it refuses to run as root.
func installed() (bin string, owner *syscall.Credential, err error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", nil, fmt.Errorf("%w: no /usr/lib/postgresql/*/bin/initdb; install Debian's package postgresql", errMissing)
	}
	bin = filepath.Dir(found[len(found)-1])
	if _, err := os.Stat(filepath.Join(bin, "postgres")); errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%w: %s has no server; install Debian's package postgresql", errMissing, bin)
	}
	if os.Geteuid() != 0 {
		return bin, nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return "", nil, fmt.Errorf("%w: it does not run as root, and there is no user postgres: %w", errMissing, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return "", nil, fmt.Errorf("the id of the user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return "", nil, fmt.Errorf("the group of the user postgres: %w", err)
	}
	return bin, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
