# Reads a marshalled hash in Base64 from each line, and says what it is.
STDIN.each_line do |line|
  begin
    value = Marshal.load(line.unpack1("m"))
    puts "hello #{value["user"]} of theme #{value["theme"]}"
  rescue StandardError
    puts "no"
  end
  STDOUT.flush
end
