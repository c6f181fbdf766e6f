package streamd.differential;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Expressions of a case. A row is a list of cells: Long, Double, String, Boolean, List or null. */
final class Cell {
    private Cell() {
    }

    /** The cells of a row; a row without a value has null fields. */
    static Object at(List<Object> row, int i) {
        return row == null ? null : row.get(i);
    }

    static List<Object> all(JsonNode expressions, List<Object> key, List<Object> value) {
        List<Object> row = new ArrayList<>(expressions.size());
        for (JsonNode e : expressions) {
            row.add(of(e, key, value));
        }
        return row;
    }

    /** As above, but null if one of them is null: what is a key. */
    static List<Object> allOrNull(JsonNode expressions, List<Object> key, List<Object> value) {
        List<Object> row = all(expressions, key, value);
        return row.contains(null) ? null : row;
    }

    static boolean isTrue(JsonNode expression, List<Object> key, List<Object> value) {
        return Boolean.TRUE.equals(of(expression, key, value));
    }

    static Object of(JsonNode e, List<Object> key, List<Object> value) {
        String operator = e.get(0).asText();
        switch (operator) {
            case "col":
                return at(value, e.get(1).asInt());
            case "key":
                return at(key, e.get(1).asInt());
            case "int":
                return e.get(1).asLong();
            case "str":
                return e.get(1).asText();
            case "is null":
                return of(e.get(1), key, value) == null;
            case "not":
                Object negated = of(e.get(1), key, value);
                return negated == null ? null : !((Boolean) negated);
            case "and":
            case "or":
                return logical(operator.equals("or"), of(e.get(1), key, value), of(e.get(2), key, value));
            case "??":
                Object first = of(e.get(1), key, value);
                return first != null ? first : of(e.get(2), key, value);
            default:
                return binary(operator, of(e.get(1), key, value), of(e.get(2), key, value));
        }
    }

    private static Object logical(boolean decides, Object a, Object b) {
        if (Objects.equals(a, decides) || Objects.equals(b, decides)) {
            return decides;
        }
        return a == null || b == null ? null : !decides;
    }

    private static Object binary(String operator, Object a, Object b) {
        if (a == null || b == null) {
            return null;
        }
        switch (operator) {
            case "+":
                return a instanceof String ? (Object) ((String) a + b) : (Object) ((Long) a + (Long) b);
            case "-":
                return (Long) a - (Long) b;
            case "*":
                return (Long) a * (Long) b;
            case "==":
                return a.equals(b);
            case "!=":
                return !a.equals(b);
            case "<":
                return compare(a, b) < 0;
            case "<=":
                return compare(a, b) <= 0;
            case ">":
                return compare(a, b) > 0;
            case ">=":
                return compare(a, b) >= 0;
            default:
                throw new IllegalArgumentException("there is no operator " + operator);
        }
    }

    static int compare(Object a, Object b) {
        return a instanceof String ? ((String) a).compareTo((String) b) : Long.compare((Long) a, (Long) b);
    }
}
