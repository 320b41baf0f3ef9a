package bus

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/pki"
)

// Config says where a control node's bus is reached. The zero Config is a bus within the process.
type Config struct {
	Name          string      // of this control node among those that are linked; empty for a random one
	Listen        string      // "address:port" for hosts on other machines; empty for none
	ClusterListen string      // "address:port" for other control nodes; empty for none
	Routes        []string    // "address:port" of other control nodes' ClusterListen; they tell each other of the rest
	TLS           *tls.Config // pki.Authority's ServerTLS; needed by both listeners
	// Laboratory lets laboratories in, which speak for any host.
	Laboratory bool
}

const (
	// maxPayload is the largest message in bytes, well above protocol.ImagePiece in base64.
	maxPayload = 8 << 20
	pingEvery  = 5 * time.Second
	maxPings   = 2 // unanswered, then a connection is taken for dead
	// connectPatience is how long either end waits for the other's greeting and certificate. NATS' own 2 s are too short
	// for a busy machine, or for a thousand hosts that come back at the same moment: nobody would ever get in.
	connectPatience = 15 * time.Second
)

// Server is the bus of this process.
type Server struct {
	nats       *server.Server
	secret     string
	laboratory bool
	log        *slog.Logger
}

// Start starts the bus of this process.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	s := &Server{secret: rand.Text(), laboratory: cfg.Laboratory, log: log}
	opts, err := s.options(cfg)
	if err != nil {
		return nil, err
	}
	s.nats, err = server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configuring the bus: %w", err)
	}
	logger := &natsLog{log: log, fatal: make(chan string, 1)}
	s.nats.SetLoggerV2(logger, false, false, false)
	s.nats.Start()
	if err := logger.started(s.nats); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends all connections and waits for the server's end.
func (s *Server) Close() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}

// Addr is where hosts reach the bus; nil where it does not listen. With port 0 in Config it has the real one.
func (s *Server) Addr() net.Addr { return s.nats.Addr() }

// ClusterAddr is where other control nodes reach the bus; nil where it does not listen.
func (s *Server) ClusterAddr() net.Addr {
	if a := s.nats.ClusterAddr(); a != nil {
		return a
	}
	return nil
}

// Connect opens a connection within the process, which may do everything.
func (s *Server) Connect(ctx context.Context) (*Bus, error) {
	return connect(ctx, nats.DefaultURL, s.log, nats.InProcessServer(s.nats), nats.Token(s.secret))
}

func (s *Server) options(cfg Config) (*server.Options, error) {
	o := &server.Options{
		ServerName:                 cfg.Name,
		DontListen:                 cfg.Listen == "",
		NoSigs:                     true,
		MaxPayload:                 maxPayload,
		PingInterval:               pingEvery,
		MaxPingsOut:                maxPings,
		TLSTimeout:                 connectPatience.Seconds(),
		AuthTimeout:                connectPatience.Seconds(),
		CustomClientAuthentication: s,
	}
	if (cfg.Listen != "" || cfg.ClusterListen != "") && cfg.TLS == nil {
		return nil, fault.Invalidf("bus", "a bus that listens needs certificates")
	}
	if cfg.Listen != "" {
		var err error
		if o.Host, o.Port, err = hostPort("bus-listen", cfg.Listen); err != nil {
			return nil, err
		}
		o.TLSConfig = mutual(cfg.TLS)
	}
	if cfg.ClusterListen == "" {
		return o, nil
	}
	return o, cluster(o, cfg)
}

// cluster links this server with those of other control nodes.
func cluster(o *server.Options, cfg Config) (err error) {
	o.Cluster = server.ClusterOpts{
		Name: "aloft", PoolSize: 1, PingInterval: pingEvery, MaxPingsOut: maxPings,
		TLSTimeout: connectPatience.Seconds(), AuthTimeout: connectPatience.Seconds(),
	}
	if o.Cluster.Host, o.Cluster.Port, err = hostPort("bus-cluster-listen", cfg.ClusterListen); err != nil {
		return err
	}
	o.Cluster.TLSConfig = mutual(cfg.TLS)
	o.Cluster.TLSConfig.VerifyConnection = func(state tls.ConnectionState) error {
		role, id, err := pki.Peer(&state)
		if err == nil && role != pki.RoleControl {
			err = fmt.Errorf("%s %q is no control node", role, id)
		}
		return err
	}
	for _, route := range cfg.Routes {
		if _, _, err := hostPort("bus-routes", route); err != nil {
			return err
		}
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: route})
	}
	return nil
}

func mutual(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c
}

// random is what NATS takes for "any free port"; its own 0 would be the default port.
const random = server.RANDOM_PORT

func hostPort(setting, address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	port, bad := strconv.ParseUint(text, 10, 16)
	if err != nil || bad != nil {
		return "", 0, fault.Invalidf(setting, "%s must be address:port, but is %q", setting, address)
	}
	if port == 0 {
		return host, random, nil
	}
	return host, int(port), nil
}
