package metadata

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/protocol"
)

// serviceAddress is where every cloud's guests look for their metadata.
const serviceAddress = "169.254.169.254"

// switchSocket is where Open vSwitch's database answers.
const switchSocket = "/run/openvswitch/db.sock"

// Source knows the servers of the host; the agent is one.
type Source interface {
	// ServerAt returns the server that has a fixed address on a network.
	ServerAt(networkID, ip string) (protocol.Server, bool)
}

// Config says where the service finds its things.
type Config struct {
	Source Source
	Bridge string // the integration bridge; default "br-int"
	// Resolvers are asked for the names that OVN does not know, as address:port; default the host's own.
	Resolvers func() []string
	Log       *slog.Logger
}

// Service answers the guests of one host.
type Service struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex
	servers map[string]listeners // by network id
	serving sync.WaitGroup
}

// listeners are what answers the guests of one network.
type listeners struct {
	http *http.Server
	dns  *forwarder
}

// New returns a service that serves no network yet.
func New(cfg Config) *Service {
	if cfg.Bridge == "" {
		cfg.Bridge = "br-int"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Resolvers == nil {
		cfg.Resolvers = hostResolvers
	}
	return &Service{cfg: cfg, log: cfg.Log, servers: map[string]listeners{}}
}

// Sync makes the host serve exactly these networks, by id, each from its metadata port. It repairs what is there and
// removes what is not named. It goes on after a network that fails, and returns all the errors; call it again.
func (s *Service) Sync(ctx context.Context, networks map[string]protocol.MetadataPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	plugged, err := pluggedPorts(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	var errs []error
	for id, port := range networks {
		wanted[shortID(id)] = true
		if err := s.ensure(ctx, id, port, plugged); err != nil {
			errs = append(errs, fmt.Errorf("metadata of network %s: %w", id, err))
		}
	}
	for id := range s.servers {
		if _, ok := networks[id]; !ok {
			errs = append(errs, s.stopServing(id))
		}
	}
	return errors.Join(append(errs, removeOthers(ctx, wanted, plugged))...)
}

// ensure makes one network's namespace, plug and listener be there.
func (s *Service) ensure(ctx context.Context, networkID string, port protocol.MetadataPort, plugged map[string]string) error {
	ns, made, err := openSpace(spaceName(networkID))
	if err != nil {
		return err
	}
	defer ns.Close()
	if made { // a listener that is in an older namespace hears nobody
		if err := s.stopServing(networkID); err != nil {
			return err
		}
	}
	if err := ensureVeth(ctx, ns, networkID, port, plugged); err != nil {
		return err
	}
	if err := plug(ctx, s.cfg.Bridge, networkID, port.PortID, plugged); err != nil {
		return err
	}
	if _, ok := s.servers[networkID]; ok {
		return nil
	}
	listener, err := listenIn(ctx, ns, net.JoinHostPort(serviceAddress, "80"))
	if err != nil {
		return err
	}
	dns, err := forwardIn(ctx, ns, spaceName(networkID), s.cfg.Resolvers, s.log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.serve(networkID, listener, dns)
	return nil
}

func (s *Service) serve(networkID string, listener net.Listener, dns *forwarder) {
	server := &http.Server{
		Handler:           s.handler(networkID),
		ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 30 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers[networkID] = listeners{server, dns}
	s.serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("metadata listener ended", "network", networkID, "error", err)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.servers[networkID].http == server {
				_ = s.stopServing(networkID) // the next Sync opens others
			}
		}
	})
}

func (s *Service) stopServing(networkID string) error {
	l, ok := s.servers[networkID]
	if !ok {
		return nil
	}
	delete(s.servers, networkID)
	return errors.Join(l.http.Close(), l.dns.Close())
}

// Close ends the listeners and waits for them. The namespaces stay, for the next process.
func (s *Service) Close() error {
	s.mu.Lock()
	var errs []error
	for id := range s.servers {
		errs = append(errs, s.stopServing(id))
	}
	s.mu.Unlock()
	s.serving.Wait()
	return errors.Join(errs...)
}

// Purge removes every namespace and plug of the metadata service from the host. Where no Open vSwitch runs, there are no
// plugs that anybody could remove.
func (s *Service) Purge(ctx context.Context) error {
	if err := s.Close(); err != nil {
		return err
	}
	var plugged map[string]string
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", switchSocket)
	if err == nil {
		c.Close()
		if plugged, err = pluggedPorts(ctx); err != nil {
			return err
		}
	}
	return removeOthers(ctx, nil, plugged)
}

// handler answers the guests of one network.
func (s *Service) handler(networkID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "metadata can only be read", http.StatusMethodNotAllowed)
			return
		}
		address, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			http.Error(w, "the caller has no address", http.StatusBadRequest)
			return
		}
		server, ok := s.cfg.Source.ServerAt(networkID, address)
		if !ok {
			s.log.Warn("metadata asked for by an address that no server here has", "network", networkID, "address", address)
			http.Error(w, "no server of this network has the address "+address, http.StatusNotFound)
			return
		}
		seed := make([]byte, 512)
		_, _ = rand.Read(seed) // never fails
		d, ok := find(guest{server, address, seed}, r.URL.Path)
		if !ok {
			http.Error(w, "there is no "+r.URL.Path, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", d.contentType)
		_, _ = w.Write(d.body) // a guest that has gone needs no answer
	})
}
