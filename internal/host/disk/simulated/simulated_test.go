package simulated_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/disk"
	"github.com/aloft-cloud/aloft/internal/host/disk/simulated"
	"github.com/aloft-cloud/aloft/internal/host/disk/suite"
)

func TestSuite(t *testing.T) {
	suite.Run(t, func(*testing.T) disk.Pool { return simulated.New(simulated.Options{}) })
}

func TestItFillsUp(t *testing.T) {
	p := simulated.New(simulated.Options{TotalGiB: 3, SkipData: true})
	s := suite.Noise(4096)
	require.NoError(t, p.Image(t.Context(), s.Image, s, nil))
	require.Zero(t, s.Read.Load(), "it was told not to fetch")
	_, err := p.Create(t.Context(), "a", s.Image, 2)
	require.NoError(t, err)
	_, err = p.Create(t.Context(), "b", s.Image, 2)
	require.ErrorIs(t, err, disk.ErrFull)
	require.NoError(t, p.Delete(t.Context(), "a"))
	_, err = p.Create(t.Context(), "b", s.Image, 2)
	require.NoError(t, err)
}
