// Reads an object in Base64 from each line, and says what it is; with an argument, only of classes on a list.
import java.io.*;
import java.util.*;

public class Reader {
    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                var stream = new ObjectInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(line)));
                if (arguments.length > 0) {
                    stream.setObjectInputFilter(ObjectInputFilter.Config.createFilter("java.util.TreeMap;java.lang.*;!*"));
                }
                var value = (Map<?, ?>) stream.readObject();
                System.out.println("hello " + value.get("user") + " of theme " + value.get("theme"));
            } catch (Exception error) {
                System.out.println("no");
            }
        }
    }
}
