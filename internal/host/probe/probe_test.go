package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aloft-cloud/aloft/internal/host/command"
)

func TestGuestIsWhatItsSourceSays(t *testing.T) {
	for _, program := range []string{"as", "ld"} {
		if _, err := exec.LookPath(program); err != nil || runtime.GOARCH != "amd64" {
			t.Skip("needs the assembler and linker for amd64 (binutils)")
		}
	}
	dir := t.TempDir()
	object, binary := filepath.Join(dir, "guest.o"), filepath.Join(dir, "guest.bin")
	for _, args := range [][]string{
		{"as", "--64", "-o", object, "guest.asm"},
		{"ld", "-m", "elf_x86_64", "-e", "0xf0000", "-Ttext", "0xf0000", "--oformat", "binary", "-o", binary, object},
	} {
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	built, err := os.ReadFile(binary)
	require.NoError(t, err)
	require.Equal(t, built, guestCode, "assemble guest.asm again as its first lines say")
	require.Less(t, len(guestCode), romSize-16)
}

func requireQEMU(t *testing.T) {
	t.Helper()
	if _, err := command.Find("qemu-system-x86_64"); err != nil || runtime.GOARCH != "amd64" {
		t.Skip("needs qemu-system-x86_64 on amd64: make deps")
	}
}

// patience is far above what the guest takes, because other tests run beside it.
const patience = 5 * time.Minute

func TestGuestRunsUnderEmulation(t *testing.T) {
	requireQEMU(t)
	for _, cpu := range []string{"qemu64", "max"} {
		require.NoError(t, bootGuest(t.Context(), TCG, cpu, patience), cpu)
	}
}

func TestGuestThatHangsOrFails(t *testing.T) {
	requireQEMU(t)
	// A processor without long mode: the guest gets stuck or resets, as under a KVM that can't run it.
	require.Error(t, bootGuest(t.Context(), TCG, "486", time.Second))
	require.ErrorContains(t, bootGuest(t.Context(), TCG, "no-such-processor", patience), "QEMU failed")
	require.ErrorContains(t, bootGuest(t.Context(), TCG, "max", time.Millisecond), "hangs")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, bootGuest(ctx, TCG, "max", patience), context.Canceled)
}

// TestAccelerationIsTrue holds the verdict against the node: whatever it says, a guest runs with it.
func TestAccelerationIsTrue(t *testing.T) {
	requireQEMU(t)
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	found := Acceleration(t.Context(), dir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	cpu := map[string]string{KVM: "host", TCG: "max"}[found]
	require.NotEmpty(t, cpu)
	require.NoError(t, bootGuest(t.Context(), found, cpu, patience))
}

func TestAccelerationIsRememberedForOneBoot(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	t.Setenv("PATH", t.TempDir()) // no QEMU: what is not remembered is emulation, wherever this runs
	v := current()
	v.Acceleration = "remembered"
	require.NoError(t, remember(dir, v))
	require.Equal(t, "remembered", Acceleration(t.Context(), dir, log))

	v.BootID = "another boot"
	require.NoError(t, remember(dir, v))
	require.Equal(t, TCG, Acceleration(t.Context(), dir, log))
	again, err := recall(dir)
	require.NoError(t, err)
	require.Equal(t, current().BootID, again.BootID)
	require.NotEmpty(t, again.Why)

	require.NoError(t, os.WriteFile(verdictFile(dir), []byte("{half"), 0o644))
	require.Equal(t, TCG, Acceleration(t.Context(), dir, log))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, os.Remove(verdictFile(dir)))
	Acceleration(ctx, dir, log)
	require.NoFileExists(t, verdictFile(dir), "an interrupted probe has learned nothing")
}

func TestPortNamesItsHolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := Options{Listen: l.Addr().String()}
	f := port(t.Context(), o)[0]
	require.Equal(t, Fail, f.Status)
	require.Contains(t, f.Found, fmt.Sprintf("process %d", os.Getpid()))
	require.NoError(t, l.Close())
	require.Equal(t, OK, port(t.Context(), o)[0].Status)
	require.Equal(t, Fail, port(t.Context(), Options{Listen: "203.0.113.77:8443"})[0].Status)
}

func TestOutsideRange(t *testing.T) {
	require.Equal(t, OK, outside(t.Context(), Options{OutsideCIDR: "198.51.100.1/24"})[0].Status)
	taken := outside(t.Context(), Options{OutsideCIDR: "127.0.0.9/30"})[0]
	require.Equal(t, Fail, taken.Status)
	require.Contains(t, taken.Found, "lo")
	require.Equal(t, OK, outside(t.Context(), Options{OutsideCIDR: "127.0.0.9/30", OutsideBridge: "lo"})[0].Status)
	require.Equal(t, Fail, outside(t.Context(), Options{OutsideCIDR: "nonsense"})[0].Status)
}

func TestJudgements(t *testing.T) {
	require.EqualValues(t, 2, availableMiB("MemTotal: 9999 kB\nMemAvailable:    2048 kB\n"))
	require.Zero(t, availableMiB(""))
	for mib, want := range map[int64]Status{100: Fail, 1000: Warn, 4096: OK} {
		require.Equal(t, want, judgeMemory(mib).Status, mib)
	}
	for mib, want := range map[int64]Status{100: Fail, 5000: Warn, 50_000: OK} {
		require.Equal(t, want, judgeDisk("/x", mib).Status, mib)
	}
	require.Contains(t, disk(t.Context(), Options{DataDir: t.TempDir() + "/a/b"})[0].Found, "GiB free", "a directory to be made is on its parent's disk")
}

func TestReport(t *testing.T) {
	r := Report{[]Finding{{Name: "a", Status: OK, Found: "x"}, {"b", Warn, "y", "slow", "buy"}}}
	require.False(t, r.Fatal())
	r.Findings = append(r.Findings, Finding{Name: "c", Status: Fail})
	require.True(t, r.Fatal())
	var table, object bytes.Buffer
	require.NoError(t, r.Table(&table))
	require.Contains(t, table.String(), "cure: buy")
	require.NoError(t, r.JSON(&object))
	var back struct {
		Findings []Finding
		Fatal    bool
	}
	require.NoError(t, json.Unmarshal(object.Bytes(), &back))
	require.Equal(t, r.Findings, back.Findings)
	require.True(t, back.Fatal)
}

func TestEveryBadFindingHasACure(t *testing.T) {
	requireQEMU(t)
	r := Run(t.Context(), Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0"})
	var table strings.Builder
	require.NoError(t, r.Table(&table))
	t.Log("\n" + table.String())
	for _, f := range r.Findings {
		require.NotEmpty(t, f.Found, f.Name)
		if f.Status != OK {
			require.NotEmpty(t, f.Means, f.Name)
			require.NotEmpty(t, f.Cure, f.Name)
		}
	}
}
