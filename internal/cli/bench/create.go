package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// create makes the servers while it watches for them, and returns when all have been seen.
func (r *run) create(ctx context.Context) error {
	requests := (r.plan.Count + r.plan.Multi - 1) / r.plan.Multi
	w := newWatch(r, requests)
	var watching sync.WaitGroup
	var watchErr error
	// The watch ends with the last request of a run that is interrupted.
	looking, stop := context.WithCancel(ctx)
	watching.Go(func() { watchErr = w.follow(looking) })
	err := work(ctx, r.plan.Concurrency, requests, func(ctx context.Context, batch int) { r.post(ctx, w, batch) })
	if err != nil {
		stop()
	}
	w.allPosted()
	watching.Wait()
	stop()
	r.report.Create = w.report()
	if err == nil {
		err = watchErr
	}
	return err
}

// post makes the servers of one batch.
func (r *run) post(ctx context.Context, w *watch, batch int) {
	n := min(r.plan.Multi, r.plan.Count-batch*r.plan.Multi)
	body, err := r.body(batch, n)
	if err != nil {
		r.failures.add("create", err.Error(), n)
		return
	}
	begun := w.begin(batch)
	raw, err := r.call(ctx, http.MethodPost, "/servers", body)
	took := time.Since(begun)
	if ctx.Err() != nil {
		return // neither a failure nor a measurement
	}
	var made struct{ Server struct{ ID string } }
	if err == nil {
		err = json.Unmarshal(raw, &made)
	}
	if err != nil {
		r.failures.add("create", err.Error(), n)
		w.refused()
		return
	}
	w.accept(batch, n, made.Server.ID, took)
}

// body is a request for n servers.
func (r *run) body(batch, n int) ([]byte, error) {
	type network struct {
		UUID string `json:"uuid"`
	}
	type server struct {
		Name     string            `json:"name"`
		Image    string            `json:"imageRef"`
		Flavor   string            `json:"flavorRef"`
		Networks any               `json:"networks"`
		Metadata map[string]string `json:"metadata"`
		Min      int               `json:"min_count"`
		Max      int               `json:"max_count"`
	}
	var networks any = "none"
	if r.plan.Network != "" {
		networks = []network{{r.plan.Network}}
	}
	raw, err := json.Marshal(map[string]server{"server": {
		Name: fmt.Sprintf("%s-%06d", r.name, batch), Image: r.plan.Image, Flavor: r.plan.Flavor, Networks: networks,
		Metadata: map[string]string{"bench": r.name}, Min: n, Max: n,
	}})
	if err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	return raw, nil
}
