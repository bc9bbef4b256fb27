// An application whose answers need a second look: redirects, secrets and markup.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://here');
  switch (url.pathname) {
    case '/public/go':
      response.writeHead(302, { location: url.searchParams.get('to') });
      return response.end();
    case '/public/refresh':
      response.writeHead(200, { refresh: `0; url=${url.searchParams.get('to')}` });
      return response.end('moving');
    case '/public/card': {
      // In two pieces, as servers that render on the way send it.
      response.writeHead(200, { 'content-type': 'text/html' });
      response.write('<p>4242 4242 4');
      setImmediate(() => response.end('242 4242</p>'));
      return undefined;
    }
    case '/public/invoice':
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end('{"account":"NO9386011117947"}');
    case '/public/comment':
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(
        JSON.stringify({ id: 12345678901234567890n.toString(), list: [{ html: '<b>hi</b><script>alert(1)</script>' }] }),
      );
    case '/public/fragment':
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      return response.end('<p onclick="x()">hi <a href="javascript:x()">there</a></p>');
    default:
      response.writeHead(200, { 'content-type': 'text/plain' });
      return response.end('nothing');
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening 127.0.0.1:${server.address().port}`));
