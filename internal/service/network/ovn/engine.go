package ovn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"

	"github.com/aloft-cloud/aloft/internal/service/network"
)

// Config says where OVN's databases are, as "unix:/run/ovn/ovnnb_db.sock" or "tcp:127.0.0.1:6641"; several are the members
// of a cluster.
type Config struct {
	Northbound []string
	// Southbound tells which hosts there are.
	Southbound []string
	// LeaderOnly connects to the leader of a cluster's northbound database only, as writing needs it.
	LeaderOnly bool
	TLS        *tls.Config // for endpoints as "ssl:10.0.0.1:6641"; nil: there are none
}

// Engine is the network.Northbound that writes to OVN.
type Engine struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex
	replica *replica // nil: not connected
	chassis []Chassis
	known   bool // the chassis were read once
	report  func([]network.Link)
}

var (
	_ network.Northbound = (*Engine)(nil)
	_ network.Joiner     = (*Engine)(nil)
)

// New returns an engine; Run connects it.
func New(cfg Config, log *slog.Logger) *Engine {
	return &Engine{cfg: cfg, log: log.With("engine", "ovn")}
}

// retry is the pause between attempts to connect.
const retry = 500 * time.Millisecond

// Run implements network.Northbound: it keeps a connection to both databases.
func (e *Engine) Run(ctx context.Context, w network.Watch) error {
	e.mu.Lock()
	e.report = w.Links
	e.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { e.keep(ctx, "southbound", func(ctx context.Context) error { return e.southbound(ctx, w) }) })
	e.keep(ctx, "northbound", func(ctx context.Context) error { return e.northbound(ctx, w) })
	wg.Wait()
	return nil
}

// keep connects again and again. It logs the first of a row of failures.
func (e *Engine) keep(ctx context.Context, name string, session func(context.Context) error) {
	quiet := false
	for ctx.Err() == nil {
		begun := time.Now()
		err := session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > 10*retry {
			quiet = false
		}
		if !quiet {
			e.log.Warn("no connection to OVN's database; trying again", "database", name, "error", err)
			quiet = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

// connect opens a connection and reads the whole database. setup runs before anything is read.
func connect(ctx context.Context, m model.ClientDBModel, endpoints []string, leader bool, tlsConfig *tls.Config, setup func(client.Client)) (client.Client, error) {
	quiet := logr.Discard()
	options := []client.Option{client.WithLogger(&quiet), client.WithLeaderOnly(leader)}
	if tlsConfig != nil {
		options = append(options, client.WithTLSConfig(tlsConfig))
	}
	for _, e := range endpoints {
		options = append(options, client.WithEndpoint(e))
	}
	c, err := client.NewOVSDBClient(m, options...)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := c.Connect(limited); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", strings.Join(endpoints, ", "), err)
	}
	setup(c)
	if _, err := c.MonitorAll(limited); err != nil {
		c.Close()
		return nil, fmt.Errorf("reading %s: %w", strings.Join(endpoints, ", "), err)
	}
	return c, nil
}

// watch returns when a connection is lost or ctx ends.
func watch(ctx context.Context, c client.Client) error {
	const every = 5 * time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.DisconnectNotify():
			return errors.New("the connection was lost")
		case <-tick.C:
			limited, cancel := context.WithTimeout(ctx, every)
			err := c.Echo(limited)
			cancel()
			if err != nil {
				return fmt.Errorf("the database does not answer: %w", err)
			}
		}
	}
}

// northbound is one connection to the northbound database.
func (e *Engine) northbound(ctx context.Context, w network.Watch) error {
	m, err := nbModel()
	if err != nil {
		return err
	}
	c, err := connect(ctx, m, e.cfg.Northbound, e.cfg.LeaderOnly, e.cfg.TLS, func(c client.Client) {
		c.Cache().AddEventHandler(linkHandler(w))
	})
	if err != nil {
		return err
	}
	defer c.Close()
	r := &replica{client: c, cache: c.Cache()}
	if r.cache == nil {
		return errLost
	}
	e.set(r)
	defer e.set(nil)
	e.log.Info("connected to OVN's northbound database")
	w.Links(links(r))
	w.Resync()
	return watch(ctx, c)
}

func (e *Engine) set(r *replica) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replica = r
}

// links are the links of all our ports.
func links(r *replica) []network.Link {
	var out []network.Link
	for _, row := range r.cache.Table(tablePort).RowsShallow() {
		if l, ok := link(row); ok {
			out = append(out, l)
		}
	}
	return out
}

// link is what a row says of a port's link.
func link(row model.Model) (network.Link, bool) {
	p, ok := row.(*LogicalSwitchPort)
	if !ok || parseUnit(p.ExternalIDs[keyUnit]).Kind != network.KindPort {
		return network.Link{}, false
	}
	return network.Link{PortID: p.ExternalIDs[keyID], Up: p.Up != nil && *p.Up}, true
}

// linkHandler reports changed links.
func linkHandler(w network.Watch) cache.EventHandler {
	return &cache.EventHandlerFuncs{
		AddFunc: func(_ string, row model.Model) {
			if l, ok := link(row); ok && l.Up {
				w.Links([]network.Link{l})
			}
		},
		UpdateFunc: func(_ string, before, after model.Model) {
			was, _ := link(before)
			if is, ok := link(after); ok && is != was {
				w.Links([]network.Link{is})
			}
		},
	}
}

// ready returns what a comparison needs: the replica and the chassis.
func (e *Engine) ready() (*replica, []Chassis, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.replica == nil {
		return nil, nil, errLost
	}
	if !e.known { // no gateway may be taken away because of that
		return nil, nil, errNoChassis
	}
	return e.replica, slices.Clone(e.chassis), nil
}

func (e *Engine) reporter() func([]network.Link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.report
}

// told are the first of the rows that are not as they should be, in words for the log.
func (e *Engine) told(r *replica, c *changes) []string {
	const most = 5
	var out []string
	for i, d := range deviations(r, c) {
		if i == most {
			break
		}
		out = append(out, d.String())
	}
	return out
}

// Apply implements network.Northbound.
func (e *Engine) Apply(ctx context.Context, s network.State) error {
	r, chassis, err := e.ready()
	if err != nil {
		return err
	}
	c, err := diff(r, s.Full, s.Units, Wanted(s, chassis))
	if err != nil {
		return err
	}
	if s.Full {
		e.reporter()(links(r)) // an event may have been lost
	}
	if c.empty() {
		return nil
	}
	if s.Full {
		e.log.Info("mending the northbound database", "added", len(c.insert), "changed", len(c.update),
			"removed", len(c.remove), "lists", len(c.edits), "first", e.told(r, c))
	}
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r.apply(limited, c)
}
