# Runs libvirtd, virtlogd and Open vSwitch on private directories; $1 is where everything is kept. libvirtd's socket is
# outside those directories, so that a test in another mount namespace reaches it. It comes again when it is killed.
ip link set lo up
for d in /run/libvirt /var/lib/libvirt /var/log/libvirt /etc/libvirt /run/openvswitch /etc/openvswitch \
         /var/lib/openvswitch /var/log/openvswitch; do
  mkdir -p "$d" "$1/private$d"
  case $d in */libvirt) cp -a "$d/." "$1/private$d/" ;; esac
  mount --bind "$1/private$d" "$d"
done
# Hide KVM: where root can use it and QEMU's user can't, libvirt probes QEMU again at every turn. libvirt can't give
# guests a /dev of their own over a mount within it.
touch "$1/no-kvm"
chmod 0600 "$1/no-kvm"
if [ -e /dev/kvm ]; then mount --bind "$1/no-kvm" /dev/kvm; fi
echo 'namespaces = []' > /etc/libvirt/qemu.conf
cat > "$1/libvirtd.conf" <<CONF
unix_sock_dir = "$1"
unix_sock_group = "root"
auth_unix_rw = "none"
CONF
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach
ovs-vsctl add-br br-int -- set bridge br-int datapath_type=netdev
virtlogd -d -p "$1/virtlogd.pid"
until [ -S /run/libvirt/virtlogd-sock ]; do sleep 0.05; done # it goes into the background before it listens
while :; do libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid" || sleep 0.2; done
