"""A seed becomes a case: a topology as text for streamd and as nodes for Kafka Streams, and its records.

A node is one stage. Names of columns are unique in a case, so that a text never needs a qualifier but after a join. Two
nodes that come from one source meet in a further node only if neither has been repartitioned: Kafka Streams takes up a
repartitioned row after all else that its record causes, streamd at once.
"""
import random
from dataclasses import dataclass, field

STRINGS = ("a", "b", "c", "d")
TYPES = {"i": "int", "s": "string", "ai": "array<int>"}
AGGREGATES = ("count", "count_x", "count_distinct", "sum", "avg", "min", "max", "collect", "collect_set", "first",
              "last", "min_by", "max_by")
RETRACTABLE = ("count", "count_x", "sum", "avg", "collect")
NAMES_OF = {"i": 0, "s": 1}


@dataclass
class Node:
    """What a stage gives. `order` is what of its rows is compared: "all" (their order), "windows" (each record's rows
    are sorted by window), "loose" and "pairs": see run.py."""

    id: int
    kind: str  # stream, table, global
    keys: list  # (name, type)
    columns: list  # (name, type)
    java: dict
    base: str = ""
    stages: list = field(default_factory=list)
    windowed: str = ""
    versioned: bool = False
    rekeyed: bool = False
    sources: frozenset = frozenset()
    apart: bool = False  # A repartition lies between its source and it.
    order: str = "all"
    readers: int = 0
    unmatched: tuple = ()  # of `loose`: the columns that are null in a row without the other side.
    later: bool = False  # Behind a foreign-key join: a time may be the later one of both sides.
    once: bool = False  # A row of it comes once.
    knows: bool = False  # A table that knows its rows and so sends no deletion of a row that is not there.

    @property
    def name(self):
        return f"n{self.id}"

    def scope(self):
        """What an expression can name: (json, text, type)."""
        return [(["col", i], n, t) for i, (n, t) in enumerate(self.columns)] + \
            [(["key", i], n, t) for i, (n, t) in enumerate(self.keys)]


@dataclass
class Case:
    seed: int
    nodes: list  # for Java
    text: str
    sinks: dict  # topic: (columns, order, columns of the keys if `loose`, whether times may be later)
    records: list  # [topic, key, value, timestamp]
    sources: dict  # topic: columns
    partitions: int = 1


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.seed = seed
        self.nodes = []
        self.java = []
        self.statements = []
        self.names = 0
        self.sources = {}
        self.early = False  # Whether times may begin at 0.

    # --- parts ---

    def fresh(self, prefix="c"):
        self.names += 1
        return f"{prefix}{self.names}"

    def chance(self, p):
        return self.r.random() < p

    def of_type(self, scope, kind):
        return [s for s in scope if s[2] == kind]

    def expression(self, scope, kind, depth=2):
        """(json, text) of an expression of that type."""
        found = self.of_type(scope, kind)
        if kind == "ai":
            chosen = self.r.choice(found)
            return chosen[0], chosen[1]
        if depth == 0 or self.chance(0.5):
            if found and self.chance(0.85):
                chosen = self.r.choice(found)
                return chosen[0], chosen[1]
            if kind == "i":
                n = self.r.randrange(6)
                return ["int", n], str(n)
            s = self.r.choice(STRINGS)
            return ["str", s], f'"{s}"'
        a, a_text = self.expression(scope, kind, depth - 1)
        b, b_text = self.expression(scope, kind, depth - 1)
        operator = self.r.choice(("+", "-", "*", "??") if kind == "i" else ("+", "??"))
        return [operator, a, b], f"({a_text} {operator} {b_text})"

    def condition(self, scope, depth=2):
        if depth > 0 and self.chance(0.35):
            a, a_text = self.condition(scope, depth - 1)
            if self.chance(0.3):
                return ["not", a], f"(not {a_text})"
            b, b_text = self.condition(scope, depth - 1)
            operator = self.r.choice(("and", "or"))
            return [operator, a, b], f"({a_text} {operator} {b_text})"
        kind = self.r.choice([k for k in "is" if self.of_type(scope, k)] or ["i"])
        if self.chance(0.2):
            a, a_text = self.expression(scope, kind, 0)
            return ["is null", a], f"({a_text} is null)"
        a, a_text = self.expression(scope, kind, 1)
        b, b_text = self.expression(scope, kind, 1)
        operator = self.r.choice(("==", "!=", "<", "<=", ">", ">="))
        return [operator, a, b], f"({a_text} {operator} {b_text})"

    def projection(self, scope):
        """(columns, [json], text) of a `map`."""
        columns, expressions, texts = [], [], []
        for kind in ["i", "s", *self.r.choices(("i", "i", "s"), k=self.r.randrange(3))]:
            e, text = self.expression(scope, kind)
            name = self.fresh()
            columns.append((name, kind))
            expressions.append(e)
            texts.append(f"{name}: {text}")
        arrays = self.of_type(scope, "ai")
        if arrays and self.chance(0.5):
            e, text, _ = self.r.choice(arrays)
            name = self.fresh()
            columns.append((name, "ai"))
            expressions.append(e)
            texts.append(f"{name}: {text}")
        return columns, expressions, "map { " + ", ".join(texts) + " }"

    # --- nodes ---

    def add(self, java, parents=(), stage=None, **fields):
        node = Node(len(self.java), java=java, **fields)
        for p in parents:
            p.readers += 1
        node.sources = frozenset().union(*(p.sources for p in parents)) if parents else node.sources
        if stage is not None:
            node.base, node.stages = parents[0].name, [stage]
        node.later = node.later or any(p.later for p in parents)
        java["needed"] = bool(parents) and parents[0].knows
        java["right needed"] = len(parents) > 1 and parents[1].knows
        self.java.append(java)
        self.nodes.append(node)
        return node

    def like(self, parent, java, stage, **changes):
        fields = {"kind": parent.kind, "keys": parent.keys, "columns": parent.columns, "windowed": parent.windowed,
                  "versioned": parent.versioned, "rekeyed": parent.rekeyed, "apart": parent.apart,
                  "order": parent.order, "unmatched": parent.unmatched, "knows": parent.knows,
                  "once": parent.once} | changes
        return self.add({"in": parent.id} | java, [parent], stage, **fields)

    def source(self, kind):
        topic, key = f"t{len(self.java)}", self.fresh("k")
        key_type = self.r.choice("ssi")
        columns = [(self.fresh(), "i"), (self.fresh(), "i"), (self.fresh(), "s")]
        if kind == "stream" and self.chance(0.4):
            columns.append((self.fresh(), "ai"))
        versioned = kind == "table" and self.chance(0.2)
        java = {"op": kind, "topic": topic} | ({"versioned": versioned} if kind == "table" else {})
        node = self.add(java, kind=kind, keys=[(key, key_type)], columns=columns, sources=frozenset([topic]),
                        versioned=versioned)
        fields = ", ".join(f"{n} {TYPES[t]}" for n, t in columns)
        word = {"stream": "stream", "table": "table", "global": "global table"}[kind]
        self.statements.append(f'{word} {node.name} from topic "{topic}"{" versioned 1d" if versioned else ""} '
                               f"{{ key {TYPES[key_type]} as {key} value json {{ {fields} }} }}")
        self.sources[topic] = (key_type, columns)
        return node

    def stateful(self, p):
        """Whether what keeps state may read it: the order of its rows is then that of Kafka Streams."""
        return p.order == "all"

    def step(self):
        """One more stage, or None if what was drawn does not fit."""
        p = self.r.choice([n for n in self.nodes if n.kind in ("stream", "table")])
        stages = [self.filter, self.map]
        if p.kind == "stream":
            stages += [self.key_by, self.time, self.flatten, self.split, self.merge]
            if self.stateful(p):
                stages += [self.latest, self.repartition] + [self.aggregate] * 3 + [self.join_streams] * 3 + \
                    [self.join_table] * 2 + [self.join_global]
        else:
            stages += [self.changes]
            if self.stateful(p) and p.windowed != "session":
                stages += [self.regroup] * 2 + [self.join_tables] * 3 + [self.join_foreign] * 2
        return self.r.choice(stages)(p)

    def filter(self, p):
        if p.versioned:  # Ours leaves out what comes too late for it, Kafka Streams passes it on.
            return None
        # An update of a session has no row before it in Kafka Streams, so that its filter would leave a stale row.
        if p.windowed == "session" and p.kind == "table" and not p.once:
            return None
        e, text = self.condition(p.scope())
        return self.like(p, {"op": "filter", "if": e}, f"filter {text}", knows=p.kind == "table")

    def map(self, p):
        if p.order in ("loose", "pairs") or p.versioned:
            return None
        columns, expressions, text = self.projection(p.scope())
        return self.like(p, {"op": "map", "to": expressions}, text, columns=columns)

    def key_by(self, p):
        if p.order != "all":
            return None
        names, expressions, texts = [], [], []
        count = self.r.choice((1, 1, 2))
        for _ in range(count):
            kind = self.r.choice("is")
            e, text = self.expression(p.scope(), kind, 1)
            other = "0" if kind == "i" else '"z"'
            if count == 2:  # A key of several columns is not null, whatever they are; nulls in keys are for one column.
                e, text = ["??", e, ["int", 0] if kind == "i" else ["str", "z"]], f"({text} ?? {other})"
            name = self.fresh("k")
            names.append((name, kind))
            expressions.append(e)
            texts.append(f"{name}: {text}")
        return self.like(p, {"op": "key by", "to": expressions}, "key by " + ", ".join(texts), keys=names, windowed="",
                         rekeyed=True)

    def time(self, p):
        plus = self.r.randrange(12)
        return self.like(p, {"op": "time", "plus": plus}, f"time @timestamp + {plus}ms")

    def flatten(self, p):
        arrays = [i for i, c in enumerate(p.columns) if c[1] == "ai"]
        if not arrays or p.order != "all":
            return None
        column, name = self.r.choice(arrays), self.fresh()
        return self.like(p, {"op": "flatten", "column": column}, f"flatten {p.columns[column][0]} as {name}",
                         columns=[*p.columns, (name, "i")])

    def split(self, p):
        if p.order != "all":
            return None
        count = self.r.choice((1, 2))
        conditions = [self.condition(p.scope()) for _ in range(count)]
        self.java.append({"op": "split", "in": p.id, "when": [c[0] for c in conditions]})
        split, names, branches = len(self.java) - 1, [], []
        self.nodes.append(Node(split, "split", [], [], self.java[-1]))
        for i in range(count + 1):
            branch = self.like(p, {"op": "branch", "index": i}, None)
            branch.java["in"], branch.sources = split, p.sources
            branch.base = ""
            names.append(branch.name)
            branches.append(branch)
        whens = " ".join(f"when {t} -> {n}" for (_, t), n in zip(conditions, names))
        self.statements.append(Statement(p, f"split {{ {whens} else -> {names[-1]} }}"))
        return branches[0]

    def meets(self, a, b, apart=False):
        """Whether two nodes may be read by one."""
        return not (a.sources & b.sources) or not (a.apart or b.apart or apart)

    def merge(self, p):
        others = [n for n in self.nodes if n.kind == "stream" and not n.sources & p.sources and not n.windowed
                  and [t for _, t in n.keys] == [t for _, t in p.keys] and n.order == p.order == "all"]
        if not others or p.windowed:
            return None
        # Streams that merge have the same columns, so each is mapped to them first.
        other = self.r.choice(others)
        names = [(self.fresh(), "i"), (self.fresh(), "s")]
        keys = [self.fresh("k") for _ in p.keys]
        sides = []
        for side in (p, other):
            es = [self.expression(side.scope(), t) for _, t in names]
            text = "map { " + ", ".join(f"{n}: {e[1]}" for (n, _), e in zip(names, es)) + " }"
            node = self.like(side, {"op": "map", "to": [e[0] for e in es]}, text, columns=names)
            by = [(["key", i], n, t) for i, (n, t) in enumerate(side.keys)]
            sides.append(self.like(node, {"op": "key by", "to": [b[0] for b in by]},
                                   "key by " + ", ".join(f"{k}: {b[1]}" for k, b in zip(keys, by)),
                                   keys=[(k, t) for k, (_, t) in zip(keys, side.keys)], rekeyed=True))
        left, right = sides
        return self.add({"op": "merge", "left": left.id, "right": right.id}, [left, right], f"merge {right.name}",
                        kind="stream", keys=left.keys, columns=names, rekeyed=True, apart=left.apart or right.apart)

    def repartition(self, p):
        if p.windowed:
            return None
        return self.like(p, {"op": "repartition"}, "repartition", apart=True, rekeyed=False)

    def latest(self, p):
        if p.windowed:
            return None
        return self.like(p, {"op": "latest"}, "latest", kind="table", rekeyed=False, apart=p.apart or p.rekeyed)

    def changes(self, p):
        return self.like(p, {"op": "changes"}, "changes", kind="stream", versioned=False, knows=False)

    # --- aggregates ---

    def aggregates(self, p, allowed):
        columns, java, texts = [], [], []
        for name in self.r.choices(allowed, k=self.r.choice((1, 1, 2, 3))):
            scope = p.scope()
            kind = "i" if name in ("sum", "avg", "collect", "collect_set") else self.r.choice("is")
            arguments = [] if name == "count" else [self.expression(scope, kind, 1)]
            if name.endswith("_by"):
                arguments.append(self.expression(scope, self.r.choice("is"), 1))
            column, call = self.fresh(), name.removesuffix("_x")
            columns.append((column, {"count": "i", "count_x": "i", "count_distinct": "i", "avg": "d",
                                     "collect": "ai", "collect_set": "ai"}.get(name, kind)))
            java.append([call, [a[0] for a in arguments]])
            texts.append(f"{column}: {call}({', '.join(a[1] for a in arguments)})")
        return columns, java, "aggregate { " + ", ".join(texts) + " }"

    def grouping(self, p):
        """(keys, json or None, text)."""
        if not p.windowed and self.chance(0.4):
            return p.keys, None, "group by key"
        names, expressions, texts = [], [], []
        for _ in range(self.r.choice((1, 1, 2))):
            kind = self.r.choice("is")
            e, text = self.expression(p.scope(), kind, 1)
            name = self.fresh("k")
            names.append((name, kind))
            expressions.append(e)
            texts.append(f"{name}: {text}")
        return names, expressions, "group by " + ", ".join(texts)

    def aggregate(self, p):
        keys, by, text = self.grouping(p)
        columns, java, aggregate = self.aggregates(p, AGGREGATES)
        window, final, order, stages = None, False, "all", [text]
        kind = "" if p.later else self.r.choice(("", "tumbling", "hopping", "sliding", "session"))
        if kind:
            size, grace = self.r.randrange(4, 25), self.r.choice((0, 0, 1, 5, 20))
            window = {"kind": "hopping" if kind == "tumbling" else kind, "size": size, "grace": grace}
            words = f"window {kind} {size}ms"
            if kind in ("tumbling", "hopping"):
                window["advance"] = size if kind == "tumbling" else self.r.randrange(max(1, size // 4), size + 1)
            if kind == "hopping":
                words += f" every {window['advance']}ms"
            stages.append(f"{words} grace {grace}ms")
            final = self.chance(0.4)
            if kind == "sliding":
                order = "all" if final else "windows"
                self.early = self.early or final
        stages.append(aggregate)
        if final:
            stages.append("emit final")
        return self.add({"op": "aggregate", "in": p.id, "by": by, "window": window, "final": final,
                         "aggregates": java}, [p], " | ".join(stages), kind="table", keys=keys, columns=columns,
                        knows=True, once=final,
                        windowed="" if not kind else "session" if kind == "session" else "time", order=order,
                        apart=p.apart or p.rekeyed or by is not None)

    def regroup(self, p):
        keys, by, text = self.grouping(p)
        columns, java, aggregate = self.aggregates(p, RETRACTABLE)
        return self.add({"op": "aggregate", "in": p.id, "by": by, "window": None, "final": False, "aggregates": java},
                        [p], f"{text} | {aggregate}", kind="table", keys=keys, columns=columns, apart=True, knows=True)

    # --- joins ---

    def joined(self, join, parents, stage, left_name, **fields):
        """A join and the `map` behind it, which ends the qualifiers."""
        left, right = parents
        scope, at = [], 0
        for side, qualifier in ((left, left_name), (right, "r")):
            for i, (name, kind) in enumerate([*side.columns, *side.keys]):
                is_key = join["op"] == "join tables" and side is left and i >= len(side.columns)
                place = ["key", i - len(side.columns)] if is_key else ["col", at]
                scope.append((place, f"{qualifier}.{name}", kind))
                at += 1
        loose = fields.get("order", "all") != "all"
        columns, expressions, text = self.projection(scope)
        if loose:  # A row without the other side is known by its keys.
            n_left = len(left.columns)
            at_right = n_left + len(left.keys) + len(right.columns)
            columns, expressions = list(columns), list(expressions)
            extra = []
            for place, (qualifier, side) in ((n_left, (left_name, left)), (at_right, ("r", right))):
                name = self.fresh()
                columns.append((name, side.keys[0][1]))
                expressions.append(["col", place])
                extra.append(f"{name}: {qualifier}.{side.keys[0][0]}")
            text = text.removesuffix(" }") + ", " + ", ".join(extra) + " }"
            fields["unmatched"] = (columns[-2][0], columns[-1][0])
        join |= {"left width": len(left.columns) + len(left.keys), "right width": len(right.columns) + len(right.keys)}
        node = self.add(join, parents, f"{stage} | {text}", columns=columns, **fields)
        self.java.append({"op": "map", "in": node.id, "to": expressions})
        # The join itself has no name: both are one statement, that of the map.
        mapped = Node(len(self.java) - 1, node.kind, node.keys, columns, self.java[-1], node.base, node.stages,
                      node.windowed, node.versioned, node.rekeyed, node.sources, node.apart, node.order,
                      unmatched=node.unmatched, later=node.later, knows=node.kind == "table")
        node.kind = "inside"
        self.nodes.append(mapped)
        return mapped

    def plain(self, p, kind):
        """A value column of that type, as (json, name)."""
        found = [(["col", i], n) for i, (n, t) in enumerate(p.columns) if t == kind]
        return self.r.choice(found) if found else None

    def join_streams(self, p):
        self_join = self.chance(0.12)
        others = [n for n in self.nodes if n.kind == "stream" and not n.windowed and self.stateful(n)]
        other = p if self_join else self.r.choice(others) if others else None
        if p.windowed or other is None or p.later or other.later or (other is p and not self_join):
            return None
        kind = self.r.choice(("inner", "left", "outer"))
        left_by = right_by = None
        if self_join:
            if p.rekeyed or len(p.keys) > 1:
                return None
            on, keys = f"{p.name}.{p.keys[0][0]} == r.{p.keys[0][0]}", p.keys
            kind = "inner"
        elif [t for _, t in p.keys] == [t for _, t in other.keys] and len(p.keys) == 1 and self.chance(0.6):
            on, keys = f"{p.name}.{p.keys[0][0]} == r.{other.keys[0][0]}", p.keys
        else:
            t = self.r.choice("is")
            a, b = self.plain(p, t), self.plain(other, t)
            if not a or not b:
                return None
            left_by, right_by = [a[0]], [b[0]]
            on, keys = f"{p.name}.{a[1]} == r.{b[1]}", [(a[1], t)]
        apart = left_by is not None or p.rekeyed or other.rekeyed
        if p.sources & other.sources and not self_join:
            return None
        before, grace = self.r.randrange(0, 15), self.r.choice((0, 0, 1, 5, 20))
        after = before if self.chance(0.5) else self.r.randrange(0, 15)
        order = "all"
        if kind != "inner":
            order = "pairs" if grace > 0 else "loose"
        if before + after + grace == 0:
            before = after = 1  # Kafka Streams' store in memory then keeps nothing, ours the rows of that moment.
        within = f"within {before}ms" if before == after else f"within before {before}ms after {after}ms"
        word = "" if kind == "inner" else f"{kind} "
        return self.joined({"op": "join streams", "left": p.id, "right": other.id, "left by": left_by,
                            "right by": right_by, "before": before, "after": after, "grace": grace, "kind": kind,
                            "self": self_join}, [p, other],
                           f"{word}join {other.name} as r on {on} {within} grace {grace}ms", p.name, kind="stream",
                           keys=keys, order=order, apart=p.apart or other.apart or apart)

    def join_table(self, p):
        others = [n for n in self.nodes if n.kind == "table" and not n.windowed and self.stateful(n)
                  and len(n.keys) == 1 and not n.later]
        if p.windowed or not others:
            return None
        other = self.r.choice(others)
        if p.later and other.versioned:
            return None
        t = other.keys[0][1]
        left_by, keys = None, p.keys
        if [k for _, k in p.keys] == [t] and self.chance(0.6):
            on = f"{p.name}.{p.keys[0][0]}"
        else:
            a = self.plain(p, t)
            if not a:
                return None
            left_by, on, keys = [a[0]], f"{p.name}.{a[1]}", [(a[1], t)]
        apart = left_by is not None or p.rekeyed
        if not self.meets(p, other, apart):
            return None
        kind = self.r.choice(("inner", "left"))
        source = self.java[other.id]["op"] == "table" and other.versioned and not p.later
        grace = self.r.choice((None, 0, 1, 5, 20)) if source else None
        return self.joined({"op": "join table", "left": p.id, "right": other.id, "left by": left_by, "kind": kind,
                            "grace": grace}, [p, other],
                           f"{'left ' if kind == 'left' else ''}join {other.name} as r on {on}"
                           + ("" if grace is None else f" grace {grace}ms"), p.name, kind="stream", keys=keys,
                           apart=p.apart or other.apart or apart)

    def join_global(self, p):
        others = [n for n in self.nodes if n.kind == "global"] or [self.source("global")]
        other = self.r.choice(others)
        a = self.plain(p, other.keys[0][1])
        if not a or p.windowed:
            return None
        kind = self.r.choice(("inner", "left"))
        return self.joined({"op": "join global", "left": p.id, "right": other.id, "left by": [a[0]], "kind": kind},
                           [p, other], f"{'left ' if kind == 'left' else ''}join {other.name} as r on {p.name}.{a[1]}",
                           p.name, kind="stream", keys=p.keys, apart=p.apart, rekeyed=p.rekeyed)

    def join_tables(self, p):
        others = [n for n in self.nodes if n.kind == "table" and n is not p and not (n.sources & p.sources)
                  and [t for _, t in n.keys] == [t for _, t in p.keys] and not n.windowed and self.stateful(n)
                  and not n.later]
        if not others or p.windowed or len(p.keys) > 1:  # Keys of several columns have names, and need the same.
            return None
        other = self.r.choice(others)
        kind = self.r.choice(("inner", "left", "outer"))
        word = "" if kind == "inner" else f"{kind} "
        return self.joined({"op": "join tables", "left": p.id, "right": other.id, "kind": kind}, [p, other],
                           f"{word}join {other.name} as r", p.name, kind="table", keys=p.keys,
                           apart=p.apart or other.apart)

    def join_foreign(self, p):
        others = [n for n in self.nodes if n.kind == "table" and n is not p and not (n.sources & p.sources)
                  and not n.windowed and len(n.keys) == 1 and self.stateful(n) and not n.later]
        if not others or p.windowed:
            return None
        other = self.r.choice(others)
        a = self.plain(p, other.keys[0][1])
        if not a:
            return None
        kind = self.r.choice(("inner", "left"))
        return self.joined({"op": "join foreign", "left": p.id, "right": other.id, "left by": [a[0]], "kind": kind},
                           [p, other], f"{'left ' if kind == 'left' else ''}join {other.name} as r on {p.name}.{a[1]}",
                           p.name, kind="table", keys=p.keys, apart=True, later=True)

    # --- the whole ---

    def definition(self, node):
        """The statements in the order of the nodes; a stage read once by a stage is sometimes in its line."""
        word = "table" if node.kind == "table" else "stream"
        return f"{word} {node.name} = {node.base}\n  | " + "\n  | ".join(node.stages)

    def cell(self, kind):
        if self.chance(0.1):
            return None
        if kind == "ai":
            return [self.r.randrange(4) for _ in range(self.r.randrange(4))]
        return self.r.randrange(5) if kind == "i" else self.r.choice(STRINGS)

    def records(self, count):
        now, records = 1_000_000 if self.early or self.chance(0.5) else 0, []
        for _ in range(count):
            topic = self.r.choice(list(self.sources))
            key_type, columns = self.sources[topic]
            now += self.r.choice((0, 0, 1, 1, 2, 3, 8, 30 if self.chance(0.2) else 4))
            ts = max(now - self.r.randrange(30), 1_000_000 if self.early else 0) if self.chance(0.3) else now
            key = None if self.chance(0.06) else \
                [self.r.randrange(4) if key_type == "i" else self.r.choice(STRINGS)]
            value = None if self.chance(0.12) else [self.cell(t) for _, t in columns]
            records.append([topic, key, value, ts])
        return records

    def make(self):
        for _ in range(self.r.choice((1, 2, 2, 3))):
            self.source(self.r.choice(("stream", "stream", "table")))
        wanted, tries = self.r.randrange(1, 7), 0
        while wanted > 0 and tries < 60:
            tries += 1
            before = len(self.nodes)
            node = self.step()
            if node is not None:
                wanted -= 1
            for made in self.nodes[before:]:
                if made.base and made.kind != "inside":
                    self.statements.append(made)
        sinks = {}
        for node in [n for n in self.nodes if n.kind in ("stream", "table")]:
            if node.readers == 0 or self.chance(0.1):
                topic = f"o{node.id}"
                self.java.append({"op": "sink", "in": node.id, "topic": topic, "needed": node.knows})
                self.statements.append(f'{node.name} | to topic "{topic}"')
                sinks[topic] = ([c for c, _ in node.columns], node.order, node.unmatched, node.later)
        text = "\n".join(self.write(s) for s in self.statements) + "\n"
        return Case(self.seed, self.java, text, sinks, self.records(self.r.choice((10, 30, 60))),
                    {t: [c for c, _ in cs] for t, (_, cs) in self.sources.items()}, self.r.choice((1, 3)))

    def write(self, statement):
        if isinstance(statement, Node):
            return self.definition(statement)
        return f"{statement.parent.name} | {statement.stage}" if isinstance(statement, Statement) else statement


@dataclass
class Statement:
    parent: Node
    stage: str


def case(seed):
    return Maker(seed).make()
