"""A Kafka broker of one's own that has everything on: TLS, SASL and an authorizer that allows nothing by itself.

It is started on free ports of loopback with certificates that are made for it, and it ends with `stop`. Apart from the
listener with TLS and SASL it has one without, where everybody is an administrator: for the tests' own errands.
"""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import common

sys.path.insert(0, str(common.ROOT / "tools"))
import kafka  # noqa: E402

ADMIN = pathlib.Path(__file__).with_name("Admin.java")
TOOLS = {"kafka-acls": "org.apache.kafka.tools.AclCommand", "kafka-topics": "org.apache.kafka.tools.TopicCommand",
         "kafka-configs": "kafka.admin.ConfigCommand"}
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=SASL_SSL://127.0.0.1:{secure},PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://localhost:{secure},PLAINTEXT://127.0.0.1:{plain}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=33554432
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.enabled.protocols=TLSv1.2,TLSv1.3
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
"""


def openssl(*arguments, folder):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


def make_authority(folder, name):
    """NAME.key and NAME.crt, with which certificates are signed."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt", folder=folder)


def make_certificate(folder, authority, host):
    """server.pem: the key and the certificate of `host`, and of no other."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={host}",
            "-keyout", "server.key", "-out", "server.csr", folder=folder)
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")
    openssl("x509", "-req", "-in", "server.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-days", "2",
            "-CAcreateserial", "-extfile", "names", "-out", "server.crt", folder=folder)
    (folder / "server.pem").write_bytes(b"".join((folder / f"server.{kind}").read_bytes() for kind in ("key", "crt")))


class Broker:
    """`secure` and `plain` are its addresses; `authority` is what its certificate is signed with, `stranger` another.
    `users`, by their passwords, may log in with PLAIN, and with SCRAM who is added."""

    def __init__(self, users):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        for name in ("authority", "stranger"):
            make_authority(self.folder, name)
        make_certificate(self.folder, "authority", "localhost")
        self.authority, self.stranger = self.folder / "authority.crt", self.folder / "stranger.crt"
        self.class_path = kafka.verified_jars()
        (secure, plain), (controller, _) = kafka.pick_ports(2, 0)
        self.secure, self.plain = f"localhost:{secure}", f"127.0.0.1:{plain}"
        self.broker = kafka.Broker(self.folder, 1)
        self.broker.folder.mkdir()
        self.broker.settings.write_text(SETTINGS.format(
            secure=secure, plain=plain, controller=controller, folder=self.folder, data=self.broker.folder / "data",
            users=" ".join(f'user_{name}="{password}"' for name, password in users.items())), encoding="utf-8")
        self.broker.format(self.class_path)
        self.broker.launch(self.class_path, "256m")
        self.admin = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "-Xmx128m", f"-Dlog4j2.configurationFile={kafka.LOG4J}", "-cp",
             self.class_path, str(ADMIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        try:
            self.broker.wait(plain, time.monotonic() + kafka.START_S)
        except BaseException:
            self.stop()
            raise

    def tool(self, *words):
        """Run one of TOOLS, by the name under which Kafka ships it, with all of its arguments."""
        name, *arguments = map(str, words)
        self.admin.stdin.write("\t".join((TOOLS[name], *arguments)) + "\n")
        self.admin.stdin.flush()
        said = []
        while (line := self.admin.stdout.readline()) != "done\n":
            said.append(line)
            if line == "":
                raise AssertionError(f"{words} failed: {''.join(said)}")

    def stop(self):
        self.admin.kill()
        self.admin.communicate()
        kafka.end([self.broker], signal.SIGKILL)
        self.broker.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
