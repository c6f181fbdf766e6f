package streamd.differential;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The aggregates of a group. Its state is a row: how many rows there are, then for each aggregate the list of its
 * inputs, each [number of the row, x] or [number of the row, x, by]; nulls are left out. A result is computed from
 * the whole list, so that each aggregate is its definition and nothing else. A group that is not there has no state:
 * Kafka Streams would take what an initializer gives for its row before, and take that back from a further group.
 */
final class Totals {
    private final JsonNode aggregates;
    private long rows;

    Totals(JsonNode aggregates) {
        this.aggregates = aggregates;
    }

    private List<Object> none() {
        List<Object> state = new ArrayList<>();
        state.add(0L);
        for (int i = 0; i < aggregates.size(); i++) {
            state.add(new ArrayList<>());
        }
        return state;
    }

    @SuppressWarnings("unchecked")
    private static List<List<Object>> inputs(List<Object> state, int i) {
        return (List<List<Object>>) state.get(i + 1);
    }

    private static List<Object> copy(List<Object> state) {
        List<Object> copy = new ArrayList<>();
        copy.add(state.get(0));
        for (int i = 1; i < state.size(); i++) {
            copy.add(new ArrayList<>((List<?>) state.get(i)));
        }
        return copy;
    }

    /** What a row brings: the arguments of all aggregates in one row. */
    List<Object> arguments(List<Object> key, List<Object> value) {
        List<Object> row = new ArrayList<>();
        for (JsonNode a : aggregates) {
            row.add(Cell.all(a.get(1), key, value));
        }
        return row;
    }

    @SuppressWarnings("unchecked")
    List<Object> add(List<Object> arguments, List<Object> state) {
        List<Object> after = state == null ? none() : copy(state);
        after.set(0, (Long) after.get(0) + 1);
        rows++;
        for (int i = 0; i < aggregates.size(); i++) {
            List<Object> cells = (List<Object>) arguments.get(i);
            if (!cells.contains(null)) {
                List<Object> input = new ArrayList<>(cells);
                input.add(0, rows);
                inputs(after, i).add(input);
            }
        }
        return after;
    }

    /** Takes a row back, of equal inputs the last; null when none is left: the group is deleted, and starts anew when it comes back. */
    List<Object> remove(List<Object> arguments, List<Object> state) {
        List<Object> after = copy(state);
        after.set(0, (Long) after.get(0) - 1);
        if ((Long) after.get(0) == 0) {
            return null;
        }
        for (int i = 0; i < aggregates.size(); i++) {
            List<List<Object>> inputs = inputs(after, i);
            for (int j = inputs.size() - 1; j >= 0; j--) {
                if (inputs.get(j).subList(1, inputs.get(j).size()).equals(arguments.get(i))) {
                    inputs.remove(j);
                    break;
                }
            }
        }
        return after;
    }

    List<Object> merge(List<Object> a, List<Object> b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        List<Object> both = copy(a);
        both.set(0, (Long) a.get(0) + (Long) b.get(0));
        for (int i = 0; i < aggregates.size(); i++) {
            inputs(both, i).addAll(inputs(b, i));
            inputs(both, i).sort(Comparator.comparingLong(input -> (Long) input.get(0)));
        }
        return both;
    }

    List<Object> absent() {
        return null;
    }

    List<Object> results(List<Object> state) {
        if (state == null) {
            return null;
        }
        List<Object> row = new ArrayList<>();
        for (int i = 0; i < aggregates.size(); i++) {
            row.add(result(aggregates.get(i).get(0).asText(), inputs(state, i)));
        }
        return row;
    }

    private static Object result(String name, List<List<Object>> inputs) {
        List<Object> xs = new ArrayList<>();
        inputs.forEach(input -> xs.add(input.size() > 1 ? input.get(1) : null));
        switch (name) {
            case "count":
                return (long) xs.size();
            case "count_distinct":
                return (long) new LinkedHashSet<>(xs).size();
            case "collect":
                return xs;
            case "collect_set":
                return new ArrayList<>(new LinkedHashSet<>(xs));
            default:
        }
        if (xs.isEmpty()) {
            return null;
        }
        switch (name) {
            case "sum":
                return xs.stream().mapToLong(x -> (Long) x).sum();
            case "avg":
                return (double) xs.stream().mapToLong(x -> (Long) x).sum() / xs.size();
            case "min":
                return xs.stream().min(Cell::compare).get();
            case "max":
                return xs.stream().max(Cell::compare).get();
            case "first":
                return xs.get(0);
            case "last":
                return xs.get(xs.size() - 1);
            case "min_by":
            case "max_by":
                int sign = name.equals("min_by") ? 1 : -1;
                List<Object> best = inputs.get(0);
                for (List<Object> input : inputs) {
                    if (sign * Cell.compare(input.get(2), best.get(2)) < 0) {
                        best = input;
                    }
                }
                return best.get(1);
            default:
                throw new IllegalArgumentException("there is no aggregate " + name);
        }
    }
}
