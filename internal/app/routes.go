package app

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aloft-cloud/aloft/internal/core/auth"
	"github.com/aloft-cloud/aloft/internal/core/rest"
	"github.com/aloft-cloud/aloft/internal/protocol"
	computeapi "github.com/aloft-cloud/aloft/internal/service/compute/api"
	identityapi "github.com/aloft-cloud/aloft/internal/service/identity/api"
	imageapi "github.com/aloft-cloud/aloft/internal/service/image/api"
	joinapi "github.com/aloft-cloud/aloft/internal/service/join/api"
	networkapi "github.com/aloft-cloud/aloft/internal/service/network/api"
	"github.com/aloft-cloud/aloft/web"
)

// services are the tables of all APIs.
func (c *Control) services() []rest.Service {
	return []rest.Service{
		identityapi.Service(c.identity), computeapi.Service(c.compute), networkapi.Service(c.network), imageapi.Service(c.image),
		{Type: "aloft", Prefix: "/v1", Errors: rest.AloftErrors, Routes: slices.Concat(c.audit.Routes(), computeapi.OwnRoutes(c.compute), joinapi.Routes(c.join), networkapi.OwnRoutes(c.network))},
	}
}

// policies reads the installation's policy file, if it has one.
func (c *Control) policies() (*auth.Overrides, error) {
	if c.cfg.PolicyFile == "" {
		return nil, nil
	}
	return auth.ReadOverrides(c.cfg.PolicyFile)
}

// routes puts the APIs under their prefixes, and the console at the root.
func (c *Control) routes() (http.Handler, error) {
	services := c.services()
	policies, err := c.policies()
	if err != nil {
		return nil, err
	}
	apis, err := rest.New(rest.Options{
		Authenticate: c.identity.Authenticate, IdentityURL: c.cfg.PublicURL + "/identity", Policies: policies, Audit: c.audit.Add,
		MaxWorking: c.cfg.Load.Working, MaxWaiting: c.cfg.Load.Waiting, MaxShare: c.cfg.Load.Share, ClientRate: c.cfg.Load.ClientRate,
		Origins: c.cfg.AllowOrigins, Metrics: c.metrics, Log: c.log,
	}, services...)
	if err != nil {
		return nil, err
	}
	apis = computeapi.StripProject(apis)
	document, err := rest.OpenAPI("Aloft", c.opts.Version, services...)
	if err != nil {
		return nil, err
	}
	c.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	for _, s := range services {
		mux.Handle(s.Prefix, apis)
		mux.Handle(s.Prefix+"/", apis)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})
	mux.Handle("GET "+protocol.CAPath, rest.Document("application/x-pem-file", c.authority.CAPEM()))
	mux.Handle("GET /openapi.json", rest.Document("application/json", document))
	mux.Handle("/", web.Handler())
	return mux, nil
}
