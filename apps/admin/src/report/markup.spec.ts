import { markup, trusted } from './markup';

describe('markup', () => {
  it('escapes every text, in elements and in attributes', () => {
    const hostile = `<script>alert("1")</script> & 'x'`;
    expect(markup`<p title="${hostile}">${hostile}</p>`.text).toBe(
      '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;">' +
        '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;</p>',
    );
  });

  it('lets other markup stand, one piece or many', () => {
    const cells = ['a', '<b>'].map((text) => markup`<td>${text}</td>`);
    expect(markup`<tr>${cells}</tr>`.text).toBe('<tr><td>a</td><td>&lt;b&gt;</td></tr>');
    expect(markup`<style>${trusted('a > b {}')}</style>${1}`.text).toBe('<style>a > b {}</style>1');
  });
});
