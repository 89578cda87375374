#!/usr/bin/env bash
# The same bits on two hosts that reach each other over TCP alone: two network namespaces of this machine. Needs root,
# iproute2 and Open MPI; the argument is the test program that `cargo test --no-run` has built.
set -euo pipefail
program=$1
names=("unspool-a-$$" "unspool-b-$$")
work=$(mktemp -d)
trap 'for name in "${names[@]}"; do ip netns del "$name" 2>/dev/null || true; done; rm -rf "$work"' EXIT

for name in "${names[@]}"; do
  ip netns add "$name"
  ip -n "$name" link set lo up
done
ip link add ends0 netns "${names[0]}" type veth peer name ends1 netns "${names[1]}"
for i in 0 1; do
  ip -n "${names[i]}" addr add "10.9.0.$((i + 1))/24" dev "ends$i"
  ip -n "${names[i]}" link set "ends$i" up
done

# What mpirun calls in place of ssh: a host, and a command to run there.
cat >"$work/agent" <<AGENT
#!/usr/bin/env bash
host=\$1; shift
case \$host in 10.9.0.1) name=${names[0]} ;; *) name=${names[1]} ;; esac
exec ip netns exec "\$name" bash -c "\$*"
AGENT
chmod +x "$work/agent"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 RAYON_NUM_THREADS=1
alone=$(mpirun -n 1 "$program" --rank text | grep ^hash)
both=$(ip netns exec "${names[0]}" mpirun -n 4 -H 10.9.0.1:2,10.9.0.2:2 --oversubscribe -x RAYON_NUM_THREADS \
  --mca plm_rsh_agent "$work/agent" --mca btl tcp,self --mca btl_tcp_if_include 10.9.0.0/24 \
  --mca oob_tcp_if_include 10.9.0.0/24 "$program" --rank text | grep ^hash)
echo "one process: $alone; two on each of two hosts: $both"
test "$alone" = "$both"
# Something went through the cable.
ip -n "${names[1]}" -s link show ends1 | awk '/RX:/ { getline; print "bytes from the other host: " $1; exit !($1 > 1000000) }'
