// Reads an object in Base64 from each line, and says the same whatever comes of it. Names are looked up at the server of the argument.
import java.io.*;
import java.net.*;
import java.util.*;

public class Blind {
    static class Handler extends URLStreamHandler {
        protected URLConnection openConnection(URL url) {
            return null;
        }

        protected InetAddress getHostAddress(URL url) {
            try (var socket = new DatagramSocket()) {
                var question = new ByteArrayOutputStream();
                question.write(new byte[] {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
                for (var label : url.getHost().split("\\.")) {
                    question.write(label.length());
                    question.write(label.getBytes());
                }
                question.write(new byte[] {0, 0, 1, 0, 1});
                var bytes = question.toByteArray();
                socket.send(new DatagramPacket(bytes, bytes.length, InetAddress.getByName("127.0.0.1"), port));
            } catch (IOException error) {
                // Nobody is told.
            }
            return null;
        }
    }

    static int port;

    public static void main(String[] arguments) throws Exception {
        port = Integer.parseInt(arguments[0]);
        URL.setURLStreamHandlerFactory(protocol -> protocol.equals("http") ? new Handler() : null);
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                var stream = new ObjectInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(line)));
                if (arguments.length > 1) {
                    stream.setObjectInputFilter(ObjectInputFilter.Config.createFilter("java.util.TreeMap;java.lang.*;!*"));
                }
                stream.readObject();
            } catch (Exception error) {
                // Nobody is told.
            }
            System.out.println("hello");
        }
    }
}
