package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// pageLimit is the length of pages, which is the longest that clouds give by default.
const pageLimit = 1000

// list passes over all servers of the project in detail, again and again, and returns the ids of the run's. The servers
// are to be all there; that one is not is a failure.
func (r *run) list(ctx context.Context) ([]string, error) {
	out := &List{PageLimit: pageLimit}
	var full, short, sweeps []time.Duration
	var ids []string
	for begun := time.Now(); len(sweeps) == 0 || time.Since(begun) < r.plan.ReadFor; {
		ids, out.Servers = ids[:0], 0
		var took time.Duration // without the reading of what came
		err := r.pages(ctx, "/servers/detail", nil, func(page []seenServer, d time.Duration) {
			if took += d; len(page) == pageLimit {
				full = append(full, d)
			} else {
				short = append(short, d)
			}
			for i := range page {
				if r.mine(page[i].Name) {
					ids = append(ids, page[i].ID)
				}
			}
			out.Servers += len(page)
		})
		if err != nil {
			return nil, err
		}
		sweeps = append(sweeps, took)
		r.tell(Stage{Phase: "list", Done: len(full) + len(short)})
	}
	if len(full) == 0 {
		full = short
	}
	out.Page, out.SweepSeconds = timesOf(full), timesOf(sweeps).P50/1000
	r.report.List = out
	if missing := r.report.Create.Accepted - len(ids); missing > 0 {
		r.failures.add("list", "accepted, and not in the list", missing)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// pages reads a list of servers page by page, and tells what each page took.
func (r *run) pages(ctx context.Context, path string, q url.Values, each func(page []seenServer, took time.Duration)) error {
	query := url.Values{"limit": {strconv.Itoa(pageLimit)}}
	for name, values := range q {
		query[name] = values
	}
	for {
		begun := time.Now()
		raw, err := r.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		took := time.Since(begun)
		page, more, err := readPage(raw)
		if err != nil {
			return err
		}
		if len(page) > 0 {
			each(page, took)
		}
		if len(page) == 0 || !more {
			return nil
		}
		query.Set("marker", page[len(page)-1].ID)
	}
}

// readPage reads the servers of a page, and whether there may be another.
func readPage(raw []byte) (page []seenServer, more bool, err error) {
	var list struct {
		Servers []seenServer
		Links   []any `json:"servers_links"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, false, fmt.Errorf("the answer to GET is not a list of servers: %w", err)
	}
	return list.Servers, len(list.Links) > 0, nil
}

// mineOnly returns the ids of the run's servers that are listed.
func (r *run) mineOnly(ctx context.Context) ([]string, error) {
	var ids []string
	err := r.pages(ctx, "/servers", url.Values{"name": {r.name}}, func(page []seenServer, _ time.Duration) {
		for i := range page {
			if r.mine(page[i].Name) {
				ids = append(ids, page[i].ID)
			}
		}
	})
	return ids, err
}

// show shows single servers on some connections at a time.
func (r *run) show(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	r.tell(Stage{Phase: "show"})
	times := make([][]time.Duration, r.plan.Connections)
	begun := time.Now()
	until := begun.Add(r.plan.ReadFor)
	var clients sync.WaitGroup
	for c := range times {
		clients.Go(func() {
			for k := c; len(times[c]) == 0 || time.Now().Before(until); k += len(times) {
				start := time.Now()
				_, err := r.call(ctx, http.MethodGet, "/servers/"+ids[k%len(ids)], nil)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					r.failures.add("show", err.Error(), 1)
				}
				times[c] = append(times[c], time.Since(start))
			}
		})
	}
	clients.Wait()
	all := slices.Concat(times...)
	r.report.Show = &Show{Connections: len(times), Rate: rate(len(all), time.Since(begun)), Times: timesOf(all)}
	return ctx.Err()
}
