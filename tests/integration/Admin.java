/* Admin.java: Kafka's own console tools in one process, as each would otherwise take a Java of its own.
 *
 * A line of standard input is a class and its arguments, separated by tabs; `done` is the answer to one that
 * succeeded. A tool that fails says why and ends the process. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;

public final class Admin {
    public static void main(String[] none) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            String[] words = line.split("\t");
            String[] rest = Arrays.copyOfRange(words, 1, words.length);
            Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
            System.out.println("done");
        }
    }
}
