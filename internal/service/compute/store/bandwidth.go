package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/aloft-cloud/aloft/internal/core/db"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/compute"
	"github.com/aloft-cloud/aloft/internal/service/compute/placement"
)

const (
	linksOfHosts = `SELECT id, bandwidth FROM compute_hosts WHERE bandwidth <> ''`
	usedOfLinks  = `SELECT host_id, physical, SUM(egress), SUM(ingress) FROM compute_bandwidth GROUP BY host_id, physical`
	releaseLinks = `DELETE FROM compute_bandwidth WHERE server_id IN (?)`
	// claimLink adds a claim where the link has room for it. The sum and the row are one statement, and transactions are
	// serializable: of two that claim the last of a link one starts anew.
	claimLink = `INSERT INTO compute_bandwidth (server_id, physical, host_id, egress, ingress)
SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT)
WHERE (SELECT COALESCE(SUM(egress), 0) FROM compute_bandwidth WHERE host_id = ? AND physical = ?) + CAST(? AS BIGINT) <= CAST(? AS BIGINT)
AND (SELECT COALESCE(SUM(ingress), 0) FROM compute_bandwidth WHERE host_id = ? AND physical = ?) + CAST(? AS BIGINT) <= CAST(? AS BIGINT)`
)

// Links implements compute.BandwidthStore.
func (s *Store) Links(ctx context.Context) ([]compute.Link, error) {
	var links []compute.Link
	at := map[[2]string]int{}
	err := s.db.Read(ctx, linksOfHosts, nil, func(rows *sql.Rows) error {
		var host, text string
		if err := rows.Scan(&host, &text); err != nil {
			return err
		}
		for physical, kbps := range protocol.Bandwidth(text).Of() {
			at[[2]string{host, physical}] = len(links)
			links = append(links, compute.Link{HostID: host, Physical: physical, Kbps: kbps})
		}
		return nil
	})
	if err == nil {
		err = s.db.Read(ctx, usedOfLinks, nil, func(rows *sql.Rows) error {
			var host, physical string
			var used placement.Rates
			if err := rows.Scan(&host, &physical, &used.Egress, &used.Ingress); err != nil {
				return err
			}
			if i, ok := at[[2]string{host, physical}]; ok {
				links[i].Used = used
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the links of hosts: %w", err)
	}
	return links, nil
}

// ClaimBandwidth implements compute.BandwidthStore.
func (s *Store) ClaimBandwidth(ctx context.Context, claims []compute.BandwidthClaim) (bool, error) {
	rows := convert(claims, func(c *compute.BandwidthClaim) []any {
		return []any{
			c.ServerID, c.Physical, c.HostID, c.Rates.Egress, c.Rates.Ingress,
			c.HostID, c.Physical, c.Rates.Egress, c.Kbps, c.HostID, c.Physical, c.Rates.Ingress, c.Kbps,
		}
	})
	changed, err := s.db.WriteEach(ctx, claimLink, rows)
	if err != nil {
		return false, fmt.Errorf("claiming bandwidth for %d ports: %w", len(rows), err)
	}
	return !slices.Contains(changed, 0), nil
}

// ReleaseBandwidth implements compute.BandwidthStore.
func (s *Store) ReleaseBandwidth(ctx context.Context, serverIDs []string) error {
	if _, err := s.db.Write(ctx, releaseLinks, db.ListOf(serverIDs)); err != nil {
		return fmt.Errorf("releasing the bandwidth of %d servers: %w", len(serverIDs), err)
	}
	return nil
}
