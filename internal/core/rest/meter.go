package rest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts and times requests by route.
type meter struct{ seconds *prometheus.HistogramVec }

func newMeter(reg prometheus.Registerer) (*meter, error) {
	m := &meter{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "aloft_http_request_duration_seconds", Help: "Time from the request's header to the answer's last byte.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"service", "method", "route", "action", "status"})}
	if reg == nil {
		return m, nil
	}
	if err := reg.Register(m.seconds); err != nil {
		return nil, fmt.Errorf("registering the metrics of requests: %w", err)
	}
	return m, nil
}

func (m *meter) observe(service string, r *Route, status int, took time.Duration) {
	m.seconds.WithLabelValues(service, r.Method, r.Path, r.Action, strconv.Itoa(status)).Observe(took.Seconds())
}
